"""OpenQASM 2 and 3 as a language: the scan of one circuit's text, and its lowering to plain operations."""
