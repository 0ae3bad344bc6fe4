"""Find which cells a behaviour rests on, alone and together, and what passes between them."""
