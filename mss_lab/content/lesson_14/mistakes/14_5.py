# %% adress needs more than is known here
answer = {"source-filter", "repet", "adress"}

# %% All that you name fit
answer = {"repet"}

# %% The answer must be a set of names, got the text 'repet'
answer = "repet"

# %% There is no method named 'repeat'
answer = {"repeat"}
