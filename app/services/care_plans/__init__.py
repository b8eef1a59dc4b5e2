"""Care plans: seven areas with goals and actions, approval, editions and the printable plan."""
