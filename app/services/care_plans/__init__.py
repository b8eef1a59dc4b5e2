"""Care plans over seven areas: goals, actions, submission, approval, versions, printing."""
