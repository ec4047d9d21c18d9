from mss_lab import catalogue

# a: strokes over a held chord. b: two tunes at different positions. c: a loop under a voice, in one position.
methods = {
    "a": catalogue.separator("hpss"),
    "b": catalogue.separator("adress", count=2),
    "c": catalogue.separator("repet"),
}
answer = {name: methods[name](mixture, 16_000) for name, mixture in lab.given("14.4").items()}
