answer = "BAC"
