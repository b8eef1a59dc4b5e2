"""Who is asking, what they may do, and the trace they leave."""
