"""Convert: what people have in other tools' files becomes rules."""
