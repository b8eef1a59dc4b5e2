"""First Step: case management for children, where every look leaves a trace."""
