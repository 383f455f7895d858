"""Images: generations, edits and variations, and the addresses at which the mock serves its pictures."""
