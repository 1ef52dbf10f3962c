"""Circuits as plain operations: what every construct of OpenQASM is lowered to, and what is done to it before it runs.

Pure functions on frozen values. Nothing here knows a simulator.
"""
