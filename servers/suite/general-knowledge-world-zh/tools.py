"""Tools over the tables substances, layers, works, cities, people, music_styles.

They read and never write. Each takes the world, a connection to an SQLite database, and the keyword
arguments that its input schema describes. What an agent may see of a refusal is the message of a
`LookupError` or `ValueError` raised here.
"""


def find_boiling_point(
    world, *, substance: str, unit: str = "kelvin"
) -> dict[str, object]:
    """查询一种物质的沸点。"""
    if unit not in ("kelvin", "celsius"):
        raise ValueError("温度单位须为 kelvin 或 celsius")
    row = world.execute(
        "SELECT substance, boiling_point FROM substances WHERE substance = ? COLLATE NOCASE "
        "ORDER BY substance",
        [substance],
    ).fetchone()
    if row is None:
        raise LookupError("没有这种物质")
    point = row[1] if unit == "kelvin" else round(row[1] - 273.15, 2)
    return {"substance": row[0], "boiling_point": point}


def find_temperature_range(
    world, *, layer: str, body: str | None = None
) -> dict[str, object]:
    """查询地球或太阳某一层的温度范围。"""
    row = world.execute(
        "SELECT layer, body, coolest, hottest FROM layers WHERE layer = ? COLLATE NOCASE "
        "AND (? IS NULL OR body = ? COLLATE NOCASE) ORDER BY layer, body",
        [layer, body, body],
    ).fetchone()
    if row is None:
        raise LookupError("没有这一层")
    return {"layer": row[0], "body": row[1], "temperatures": [row[2], row[3]]}


def find_first_year(
    world, *, title: str, kind: str | None = None, author: str | None = None
) -> dict[str, object]:
    """查询一部作品首次出版或首演的年份。"""
    row = world.execute(
        "SELECT title, kind, first_year FROM works WHERE title = ? COLLATE NOCASE "
        "AND (? IS NULL OR kind = ? COLLATE NOCASE) "
        "AND (? IS NULL OR author = ? COLLATE NOCASE) ORDER BY title",
        [title, kind, kind, author, author],
    ).fetchone()
    if row is None:
        raise LookupError("没有这部作品")
    return {"title": row[0], "kind": row[1], "first_year": row[2]}


def find_population(
    world, *, city: str, state: str, unit: str = "人"
) -> dict[str, object]:
    """查询某州某城市的人口。"""
    if unit not in ("人", "万人"):
        raise ValueError("单位须为人或万人")
    row = world.execute(
        "SELECT city, state, population FROM cities WHERE city = ? COLLATE NOCASE "
        "AND state = ? COLLATE NOCASE ORDER BY city, state",
        [city, state],
    ).fetchone()
    if row is None:
        raise LookupError("没有这座城市")
    population = row[2] if unit == "人" else row[2] / 10000
    return {"city": row[0], "state": row[1], "population": population}


def difference(
    world, *, first: float, second: float, relative: bool = False
) -> dict[str, object]:
    """计算两个数之差。"""
    del world
    if relative and first == 0:
        raise ValueError("零没有比例")
    apart = first - second
    return {"difference": apart / first if relative else apart}


def find_life_years(
    world, *, person: str, profession: str | None = None
) -> dict[str, object]:
    """查询一个人的出生和去世年份。"""
    row = world.execute(
        "SELECT person, birth_year, death_year FROM people WHERE person = ? COLLATE NOCASE "
        "AND (? IS NULL OR profession = ? COLLATE NOCASE) ORDER BY person",
        [person, profession, profession],
    ).fetchone()
    if row is None:
        raise LookupError("没有这个人")
    return {"person": row[0], "birth_year": row[1], "death_year": row[2]}


def find_music_style(
    world, *, music_style: str, field: str | None = None
) -> dict[str, object]:
    """查询一种音乐风格起源的时期。"""
    row = world.execute(
        "SELECT music_style, origin FROM music_styles WHERE music_style = ? COLLATE NOCASE "
        "AND (? IS NULL OR field = ? COLLATE NOCASE) ORDER BY music_style",
        [music_style, field, field],
    ).fetchone()
    if row is None:
        raise LookupError("没有这种风格")
    return {"music_style": row[0], "origin": row[1]}
