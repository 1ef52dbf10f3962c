"""Circuits as plain operations, which every construct of OpenQASM is lowered to, and their transformations.

Pure functions on frozen values. Nothing here knows a simulator.
"""
