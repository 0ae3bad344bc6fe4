"""How fast this machine is.

fastest_way  which of several ways to compute the same thing is the fastest here
rates        how fast this machine multiplies and reads
"""
