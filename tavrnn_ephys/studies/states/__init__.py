"""Network states of an analysed recording: found, tested, linked to behaviour, and tabled."""
