"""The parts of ../peers.py. catalogue.py lists what is compared; child.py runs one reader."""
