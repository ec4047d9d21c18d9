# %% In the version of that protocol, what a filter of 512 taps makes of a source still counts as the source
answer = "sdr"

# %% SAR shows what neither the source nor the other players explain
answer = "sar"

# %% SIR compares the source with the other players
answer = "sir"
