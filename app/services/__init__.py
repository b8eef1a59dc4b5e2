"""What the profession does, one module of functions per noun."""
