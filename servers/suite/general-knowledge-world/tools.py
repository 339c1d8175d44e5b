"""Tools over the tables cities, songs, song_artists, group_members, languages, body_sizes, substances, colorings, college_teams, local_foods, people, layers, compounds, works, writing_systems, characters, deities, music_styles, fighters, ingredients, terms, politicians, school_rules, wars, child_policies, constants, verse_lines.

They read and never write. Each takes the world, a connection to an SQLite database, and the keyword
arguments that its input schema describes. What an agent may see of a refusal is the message of a
`LookupError` or `ValueError` raised here.
"""


def find_city(
    world, *, city: str, state: str, country: str | None = None
) -> dict[str, object]:
    """Find how many people live in a city of some state or region."""
    row = world.execute(
        "SELECT city, state, country, population FROM cities WHERE city = ? COLLATE NOCASE "
        "AND state = ? COLLATE NOCASE AND (? IS NULL OR country = ? COLLATE NOCASE) "
        "ORDER BY city, state",
        [city, state, country, country],
    ).fetchone()
    if row is None:
        raise LookupError("no such city is known")
    return {"city": row[0], "state": row[1], "country": row[2], "population": row[3]}


def difference(
    world, *, first: float, second: float, relative: bool = False
) -> dict[str, object]:
    """Say by how much one number exceeds another."""
    del world
    if relative and first == 0:
        raise ValueError("there is no share of zero")
    apart = first - second
    return {"difference": apart / first if relative else apart}


def find_top_song(
    world, *, artist: str, before_year: int | None = None
) -> dict[str, object]:
    """Find the song of an artist that ranked highest on Billboard."""
    row = world.execute(
        "SELECT s.song, s.year, s.peak FROM songs s JOIN song_artists a ON a.song = s.song "
        "WHERE a.artist = ? COLLATE NOCASE AND (? IS NULL OR s.year < ?) "
        "ORDER BY s.peak, s.weeks_on_top DESC, s.song",
        [artist, before_year, before_year],
    ).fetchone()
    if row is None:
        raise LookupError("no song of such an artist is known")
    return {"song": row[0], "year": row[1], "peak": row[2]}


def list_song_artists(
    world, *, song: str, part: str | None = None
) -> dict[str, object]:
    """List who contributed to a song."""
    rows = world.execute(
        "SELECT song, artist FROM song_artists WHERE song = ? COLLATE NOCASE "
        "AND (? IS NULL OR part = ? COLLATE NOCASE) ORDER BY artist",
        [song, part, part],
    ).fetchall()
    if not rows:
        raise LookupError("no artist of such a song is known")
    return {"song": rows[0][0], "artists": [row[1] for row in rows]}


def list_group_members(
    world, *, group_name: str, music_style: str | None = None
) -> dict[str, object]:
    """List who makes up a musical group."""
    rows = world.execute(
        "SELECT group_name, member FROM group_members WHERE group_name = ? COLLATE NOCASE "
        "AND (? IS NULL OR music_style = ? COLLATE NOCASE) ORDER BY member",
        [group_name, music_style, music_style],
    ).fetchall()
    if not rows:
        raise LookupError("no such group is known")
    return {"group_name": rows[0][0], "members": [row[1] for row in rows]}


def find_language_of_people(
    world, *, people: str, region: str | None = None
) -> dict[str, object]:
    """Find which language a people spoke."""
    row = world.execute(
        "SELECT people, language, region FROM languages WHERE people = ? COLLATE NOCASE "
        "AND (? IS NULL OR region = ? COLLATE NOCASE) ORDER BY language",
        [people, region, region],
    ).fetchone()
    if row is None:
        raise LookupError("no language of such a people is known")
    return {"people": row[0], "language": row[1], "region": row[2]}


def find_language_family(
    world, *, language: str, region: str | None = None
) -> dict[str, object]:
    """Find to which language family a language belongs."""
    row = world.execute(
        "SELECT language, family FROM languages WHERE language = ? COLLATE NOCASE "
        "AND (? IS NULL OR region = ? COLLATE NOCASE) ORDER BY language",
        [language, region, region],
    ).fetchone()
    if row is None:
        raise LookupError("no such language is known")
    return {"language": row[0], "family": row[1]}


def find_body_size(
    world, *, age: int, unit: str = "pounds"
) -> dict[str, object]:
    """Find how much children of an age weigh on average, and how tall they are."""
    if unit not in ("pounds", "kilograms"):
        raise ValueError("the unit is pounds or kilograms")
    row = world.execute(
        "SELECT age, weight, height FROM body_sizes WHERE age = ? ORDER BY age", [age]
    ).fetchone()
    if row is None:
        raise LookupError("nothing is known about children of this age")
    weight = row[1] if unit == "pounds" else round(row[1] * 0.45359237, 2)
    return {"age": row[0], "weight": weight, "height": row[2]}


def find_gallon_weight(
    world, *, substance: str, kind: str | None = None
) -> dict[str, object]:
    """Find how much a gallon of a substance weighs."""
    row = world.execute(
        "SELECT substance, gallon_weight FROM substances WHERE substance = ? COLLATE NOCASE "
        "AND (? IS NULL OR kind = ? COLLATE NOCASE) ORDER BY substance",
        [substance, kind, kind],
    ).fetchone()
    if row is None:
        raise LookupError("no such substance is known")
    return {"substance": row[0], "pounds": row[1]}


def list_colors(
    world, *, thing: str, kind: str | None = None
) -> dict[str, object]:
    """List the colors of an animal or a pattern."""
    rows = world.execute(
        "SELECT thing, color FROM colorings WHERE thing = ? COLLATE NOCASE "
        "AND (? IS NULL OR kind = ? COLLATE NOCASE) ORDER BY color",
        [thing, kind, kind],
    ).fetchall()
    if not rows:
        raise LookupError("no colors of such a thing are known")
    return {"thing": rows[0][0], "colors": [row[1] for row in rows]}


def list_teams(
    world, *, college: str, players: str | None = None
) -> dict[str, object]:
    """List the sports teams of a college."""
    rows = world.execute(
        "SELECT college, team FROM college_teams WHERE college = ? COLLATE NOCASE "
        "AND (? IS NULL OR players = ? COLLATE NOCASE) ORDER BY team",
        [college, players, players],
    ).fetchall()
    if not rows:
        raise LookupError("no such teams of this college are known")
    return {"college": rows[0][0], "teams": [row[1] for row in rows]}


def list_local_foods(
    world, *, place: str, fame: str | None = None
) -> dict[str, object]:
    """List the foods for which a place is famous."""
    rows = world.execute(
        "SELECT food, fame FROM local_foods WHERE place = ? COLLATE NOCASE "
        "AND (? IS NULL OR fame = ? COLLATE NOCASE) ORDER BY food",
        [place, fame, fame],
    ).fetchall()
    if not rows:
        raise LookupError("no such food of this place is known")
    return {"foods": [{"food": row[0], "fame": row[1]} for row in rows]}


def find_appearance(
    world, *, person: str, profession: str | None = None
) -> dict[str, object]:
    """Find what a person is known for having on body or face."""
    row = world.execute(
        "SELECT person, mark FROM people WHERE person = ? COLLATE NOCASE "
        "AND (? IS NULL OR profession = ? COLLATE NOCASE) ORDER BY person",
        [person, profession, profession],
    ).fetchone()
    if row is None:
        raise LookupError("no such person is known")
    return {"person": row[0], "mark": row[1]}


def find_boiling_point(
    world, *, substance: str, unit: str = "kelvin"
) -> dict[str, object]:
    """Find the temperature at which a substance boils."""
    if unit not in ("kelvin", "celsius"):
        raise ValueError("the unit is kelvin or celsius")
    row = world.execute(
        "SELECT substance, boiling_point FROM substances WHERE substance = ? COLLATE NOCASE "
        "AND boiling_point IS NOT NULL ORDER BY substance",
        [substance],
    ).fetchone()
    if row is None:
        raise LookupError("no boiling point of such a substance is known")
    point = row[1] if unit == "kelvin" else round(row[1] - 273.15, 2)
    return {"substance": row[0], "boiling_point": point}


def find_temperature_range(
    world, *, layer: str, body: str | None = None
) -> dict[str, object]:
    """Find how cool and how hot it is in a layer of the earth or the sun."""
    row = world.execute(
        "SELECT layer, body, coolest, hottest FROM layers WHERE layer = ? COLLATE NOCASE "
        "AND (? IS NULL OR body = ? COLLATE NOCASE) ORDER BY layer, body",
        [layer, body, body],
    ).fetchone()
    if row is None:
        raise LookupError("no such layer is known")
    return {"layer": row[0], "body": row[1], "temperatures": [row[2], row[3]]}


def find_compound(
    world, *, one_element: str, other_element: str, state: str | None = None
) -> dict[str, object]:
    """Find what two elements make when they are mixed."""
    row = world.execute(
        "SELECT compound, state FROM compounds WHERE ((first_element = ?1 COLLATE NOCASE "
        "AND second_element = ?2 COLLATE NOCASE) OR (first_element = ?2 COLLATE NOCASE "
        "AND second_element = ?1 COLLATE NOCASE)) "
        "AND (?3 IS NULL OR state = ?3 COLLATE NOCASE) ORDER BY compound",
        [one_element, other_element, state],
    ).fetchone()
    if row is None:
        raise LookupError("no such compound is known")
    return {"compound": row[0], "state": row[1]}


def find_common_name(
    world, *, compound: str, state: str | None = None
) -> dict[str, object]:
    """Find what a chemical compound is also called."""
    row = world.execute(
        "SELECT compound, common_name FROM compounds WHERE compound = ? COLLATE NOCASE "
        "AND (? IS NULL OR state = ? COLLATE NOCASE) ORDER BY compound",
        [compound, state, state],
    ).fetchone()
    if row is None:
        raise LookupError("no such compound is known")
    return {"compound": row[0], "common_name": row[1]}


def find_writing_system(
    world, *, script: str, origin: str | None = None
) -> dict[str, object]:
    """Find of which type a script is."""
    row = world.execute(
        "SELECT script, kind, origin FROM writing_systems WHERE script = ? COLLATE NOCASE "
        "AND (? IS NULL OR origin = ? COLLATE NOCASE) ORDER BY script",
        [script, origin, origin],
    ).fetchone()
    if row is None:
        raise LookupError("no such script is known")
    return {"script": row[0], "kind": row[1], "origin": row[2]}


def find_character(
    world, *, character: str, series: str | None = None
) -> dict[str, object]:
    """Find what kind of being a cartoon character is, and where it works."""
    row = world.execute(
        "SELECT character, series, species, workplace FROM characters WHERE character = ? COLLATE NOCASE "
        "AND (? IS NULL OR series = ? COLLATE NOCASE) ORDER BY character",
        [character, series, series],
    ).fetchone()
    if row is None:
        raise LookupError("no such character is known")
    return {"character": row[0], "series": row[1], "species": row[2], "workplace": row[3]}


def find_deity(
    world, *, deity: str, pantheon: str | None = None
) -> dict[str, object]:
    """Find over what a god or goddess presides."""
    row = world.execute(
        "SELECT deity, domain, pantheon FROM deities WHERE deity = ? COLLATE NOCASE "
        "AND (? IS NULL OR pantheon = ? COLLATE NOCASE) ORDER BY deity",
        [deity, pantheon, pantheon],
    ).fetchone()
    if row is None:
        raise LookupError("no such deity is known")
    return {"deity": row[0], "domain": row[1], "pantheon": row[2]}


def find_life_years(
    world, *, person: str, profession: str | None = None
) -> dict[str, object]:
    """Find when a person was born and when the person died."""
    row = world.execute(
        "SELECT person, birth_year, death_year FROM people WHERE person = ? COLLATE NOCASE "
        "AND (? IS NULL OR profession = ? COLLATE NOCASE) ORDER BY person",
        [person, profession, profession],
    ).fetchone()
    if row is None:
        raise LookupError("no such person is known")
    return {"person": row[0], "birth_year": row[1], "death_year": row[2]}


def find_music_style(
    world, *, music_style: str, field: str | None = None
) -> dict[str, object]:
    """Find when a style of music originated."""
    row = world.execute(
        "SELECT music_style, origin FROM music_styles WHERE music_style = ? COLLATE NOCASE "
        "AND (? IS NULL OR field = ? COLLATE NOCASE) ORDER BY music_style",
        [music_style, field, field],
    ).fetchone()
    if row is None:
        raise LookupError("no such style is known")
    return {"music_style": row[0], "origin": row[1]}


def list_fighters(
    world, *, promotion: str, standing: str, division: str | None = None
) -> dict[str, object]:
    """List the fighters of an organization who have held or sought its title."""
    rows = world.execute(
        "SELECT promotion, fighter FROM fighters WHERE promotion = ? COLLATE NOCASE "
        "AND standing = ? COLLATE NOCASE AND (? IS NULL OR division = ? COLLATE NOCASE) "
        "ORDER BY fighter",
        [promotion, standing, division, division],
    ).fetchall()
    if not rows:
        raise LookupError("no such fighters are known")
    return {"promotion": rows[0][0], "names": [row[1] for row in rows]}


def find_main_ingredient(
    world, *, food: str, kind: str | None = None
) -> dict[str, object]:
    """Find what a food or spice is made from."""
    row = world.execute(
        "SELECT food, ingredient FROM ingredients WHERE food = ? COLLATE NOCASE "
        "AND (? IS NULL OR kind = ? COLLATE NOCASE) ORDER BY food",
        [food, kind, kind],
    ).fetchone()
    if row is None:
        raise LookupError("no such food is known")
    return {"food": row[0], "ingredient": row[1]}


def find_next_in_office(
    world, *, office: str, holder: str, direction: str, country: str | None = None
) -> dict[str, object]:
    """Find who held an office directly before or after somebody."""
    if direction not in ("before", "after"):
        raise ValueError("the direction is before or after")
    order = "<", "DESC"
    if direction == "after":
        order = ">", "ASC"
    row = world.execute(
        "SELECT n.office, n.holder, n.first_year FROM terms t JOIN terms n "
        f"ON n.office = t.office AND n.country = t.country AND n.first_year {order[0]} t.first_year "
        "WHERE t.office = ? COLLATE NOCASE AND t.holder = ? COLLATE NOCASE "
        "AND (? IS NULL OR t.country = ? COLLATE NOCASE) "
        f"ORDER BY t.first_year, n.first_year {order[1]}, n.country",
        [office, holder, country, country],
    ).fetchone()
    if row is None:
        raise LookupError("nobody is known to have held the office then")
    return {"office": row[0], "holder": row[1], "first_year": row[2]}


def check_gender(
    world, *, politician: str, gender: str, party: str | None = None
) -> dict[str, object]:
    """Tell whether a politician is a man, or whether a woman."""
    if gender not in ("man", "woman"):
        raise ValueError("the gender is man or woman")
    row = world.execute(
        "SELECT politician, gender FROM politicians WHERE politician = ? COLLATE NOCASE "
        "AND (? IS NULL OR party = ? COLLATE NOCASE) ORDER BY politician",
        [politician, party, party],
    ).fetchone()
    if row is None:
        raise LookupError("no such politician is known")
    return {"politician": row[0], "is_so": row[1] == gender}


def find_parents_home(
    world, *, person: str, profession: str | None = None
) -> dict[str, object]:
    """Find in which state or region the parents of a person grew up."""
    row = world.execute(
        "SELECT person, parents_home FROM people WHERE person = ? COLLATE NOCASE "
        "AND parents_home IS NOT NULL AND (? IS NULL OR profession = ? COLLATE NOCASE) "
        "ORDER BY person",
        [person, profession, profession],
    ).fetchone()
    if row is None:
        raise LookupError("no home of such a person's parents is known")
    return {"person": row[0], "parents_home": row[1]}


def list_states_by_rule(
    world, *, subject: str, rule: str, limit: int = 50
) -> dict[str, object]:
    """List the states whose schools must do something, or need not."""
    if limit < 1:
        raise ValueError("at least one state has to be asked for")
    rows = world.execute(
        "SELECT subject, state FROM school_rules WHERE subject = ? COLLATE NOCASE "
        "AND rule = ? COLLATE NOCASE ORDER BY state LIMIT ?",
        [subject, rule, limit],
    ).fetchall()
    if not rows:
        raise LookupError("no state has such a rule")
    return {"subject": rows[0][0], "states": [row[1] for row in rows]}


def find_war(
    world, *, war: str, region: str | None = None
) -> dict[str, object]:
    """Find how long a war lasted."""
    row = world.execute(
        "SELECT war, duration, first_year FROM wars WHERE war = ? COLLATE NOCASE "
        "AND (? IS NULL OR region = ? COLLATE NOCASE) ORDER BY war",
        [war, region, region],
    ).fetchone()
    if row is None:
        raise LookupError("no such war is known")
    return {"war": row[0], "duration": row[1], "first_year": row[2]}


def find_father(
    world, *, person: str, profession: str | None = None
) -> dict[str, object]:
    """Find the name of a person's father."""
    row = world.execute(
        "SELECT person, father FROM people WHERE person = ? COLLATE NOCASE "
        "AND (? IS NULL OR profession = ? COLLATE NOCASE) ORDER BY person",
        [person, profession, profession],
    ).fetchone()
    if row is None:
        raise LookupError("no such person is known")
    return {"person": row[0], "father": row[1]}


def find_child_limit(
    world, *, country: str, decade: str | None = None
) -> dict[str, object]:
    """Find to how many children a country limited parents."""
    row = world.execute(
        "SELECT country, decade, child_limit FROM child_policies WHERE country = ? COLLATE NOCASE "
        "AND (? IS NULL OR decade = ? COLLATE NOCASE) ORDER BY decade DESC",
        [country, decade, decade],
    ).fetchone()
    if row is None:
        raise LookupError("no such policy is known")
    return {"country": row[0], "decade": row[1], "child_limit": row[2]}


def find_constant(
    world, *, constant: str, digits: int = 2
) -> dict[str, object]:
    """Find the value of a mathematical constant."""
    if not 0 <= digits <= 2:
        raise ValueError("values are known to two places")
    row = world.execute(
        "SELECT constant, symbol, value FROM constants WHERE constant = ? COLLATE NOCASE ORDER BY constant",
        [constant],
    ).fetchone()
    if row is None:
        raise LookupError("no such constant is known")
    return {"constant": row[0], "symbol": row[1], "value": round(row[2], digits)}


def list_line_lengths(
    world, *, form: str, limit: int = 20
) -> dict[str, object]:
    """List how many syllables each line of a form of verse has."""
    if limit < 1:
        raise ValueError("at least one line has to be asked for")
    rows = world.execute(
        "SELECT form, syllables FROM verse_lines WHERE form = ? COLLATE NOCASE "
        "ORDER BY form, line LIMIT ?",
        [form, limit],
    ).fetchall()
    if not rows:
        raise LookupError("no such form is known")
    return {"form": rows[0][0], "syllables": [row[1] for row in rows]}


def find_length(
    world, *, title: str, kind: str | None = None
) -> dict[str, object]:
    """Find how long a work is."""
    row = world.execute(
        "SELECT title, length FROM works WHERE title = ? COLLATE NOCASE "
        "AND length IS NOT NULL AND (? IS NULL OR kind = ? COLLATE NOCASE) ORDER BY title",
        [title, kind, kind],
    ).fetchone()
    if row is None:
        raise LookupError("no length of such a work is known")
    return {"title": row[0], "length": row[1]}


def describe_work(
    world, *, title: str, creator: str | None = None, kind: str | None = None
) -> dict[str, object]:
    """Describe a work: which kind of thing it is, its genre, and when it came out."""
    row = world.execute(
        "SELECT title, kind, genre, first_year FROM works WHERE title = ? COLLATE NOCASE "
        "AND (? IS NULL OR creator = ? COLLATE NOCASE) "
        "AND (? IS NULL OR kind = ? COLLATE NOCASE) ORDER BY title",
        [title, creator, creator, kind, kind],
    ).fetchone()
    if row is None:
        raise LookupError("no such work is known")
    return {"title": row[0], "kind": row[1], "genre": row[2], "first_year": row[3]}


def find_names(
    world, *, person: str, profession: str | None = None
) -> dict[str, object]:
    """Find the name that a person was given at birth, and the middle name."""
    row = world.execute(
        "SELECT person, full_name, middle_name FROM people WHERE person = ? COLLATE NOCASE "
        "AND (? IS NULL OR profession = ? COLLATE NOCASE) ORDER BY person",
        [person, profession, profession],
    ).fetchone()
    if row is None:
        raise LookupError("no such person is known")
    return {"person": row[0], "full_name": row[1], "middle_name": row[2]}
