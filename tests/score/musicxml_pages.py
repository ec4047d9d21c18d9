"""Small MusicXML documents for tests: notes, rests and signs as text, and a page made of them."""

FORWARD = '<barline location="left"><repeat direction="forward"/></barline>'
BACKWARD = '<barline location="right"><repeat direction="backward"/></barline>'


def note(step, octave, quarters=1, *, alter=0, tie="", before="", staff=""):
    """One note; 4 divisions a quarter. `tie` is "start", "stop" or "stop start"."""
    ties = "".join(f'<tie type="{end}"/>' for end in tie.split())
    length = "" if "grace" in before else f"<duration>{int(4 * quarters)}</duration>"
    staff = staff and f"<voice>{staff}</voice><staff>{staff}</staff>"
    return (
        f"<note>{before}<pitch><step>{step}</step><alter>{alter}</alter><octave>{octave}</octave></pitch>"
        f"{length}{ties}{staff}</note>"
    )


def rest(quarters=1):
    return f"<note><rest/><duration>{int(4 * quarters)}</duration></note>"


def tempo(quarters_per_minute):
    words = "<direction-type><words>Tempo</words></direction-type>"
    return f'<direction>{words}<sound tempo="{quarters_per_minute}"/></direction>'


def document(parts, names=None, attributes=""):
    """Parts are lists of bars; names as the page prints them."""
    names = names or [f"Part {number}" for number in range(1, len(parts) + 1)]
    listed = "".join(
        f'<score-part id="P{i}"><part-name>{name}</part-name></score-part>' for i, name in enumerate(names, start=1)
    )
    written = ""
    for i, bars in enumerate(parts, start=1):
        extra = attributes[i - 1] if isinstance(attributes, list) else attributes
        time = "<time><beats>2</beats><beat-type>4</beat-type></time>"
        head = f"<attributes><divisions>4</divisions>{time}{extra}</attributes>"
        written += f'<part id="P{i}">' + "".join(
            f'<measure number="{k}">{head if k == 1 else ""}{bar}</measure>' for k, bar in enumerate(bars, start=1)
        )
        written += "</part>"
    score = f'<score-partwise version="4.0"><part-list>{listed}</part-list>{written}</score-partwise>'
    return f'<?xml version="1.0" encoding="UTF-8"?>{score}'


def sound(**attributes):
    return "<sound " + " ".join(f'{name.replace("_", "-")}="{value}"' for name, value in attributes.items()) + "/>"


def words(text):
    return f"<direction><direction-type><words>{text}</words></direction-type></direction>"


def ending(number, kind):
    """The start, stop or discontinue of a bracket over an ending; no number attribute where `number` is None."""
    said = "" if number is None else f' number="{number}"'
    location = "left" if kind == "start" else "right"
    return f'<barline location="{location}"><ending{said} type="{kind}"/></barline>'
