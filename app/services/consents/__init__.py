"""The consent register, and the gates that ask it."""
