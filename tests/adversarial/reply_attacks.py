"""Attacks on the host by what it reads: forged, broken, endless and monstrous replies."""

CODE = r"""
def body_of(value): return b'{"id":1,"ok":' + value + b',"trace":""}'

def sent(body, times=1):
    data = (len(body).to_bytes(4, "big") + body) * times
    while data:
        data = data[os.write(3, data):]

def forge_and_return(db):
    sent(body_of(b'{"forged":true}'))
    return {}

def forge_twice(db):
    sent(body_of(b'{"forged":true}'), times=2)
    os._exit(0)

def forge_a_later_reply(db):
    sent(body_of(b"{}").replace(b'"id":1', b'"id":2'))
    os._exit(0)

def forge_an_earlier_reply(db):
    sent(body_of(b"{}").replace(b'"id":1', b'"id":0'))
    os._exit(0)

def forge_a_negative_id(db):
    sent(body_of(b"{}").replace(b'"id":1', b'"id":-1'))
    os._exit(0)

def forge_another_kind(db):
    sent(b'{"id":1,"digest":"sha256:' + b"0" * 64 + b'"}')
    os._exit(0)

def forge_a_replay(db):
    sent(b'{"id":1,"replayed":1000000}')
    os._exit(0)

def forge_everything_at_once(db):
    sent(b'{"id":1,"ok":{},"failed":"x","broke":["raised","x"],"lost":true,"trace":""}')
    os._exit(0)

def forge_a_void(db):
    sent(b'{"id":1,"broke":["unavailable","x"],"lost":true}')
    os._exit(0)

def forge_unknown_fields(db):
    sent(b'{"id":1,"ok":{},"trace":"","reward":1.0}')
    os._exit(0)

def reply_nothing_at_all(db):
    sent(b"")
    os._exit(0)

def reply_no_json(db):
    sent(b"\x80\x04\x95 garbage")
    os._exit(0)

def reply_a_pickle(db):
    sent(b"cos\nsystem\n(S'touch /tmp/astra-arena-escape'\ntR.")
    os._exit(0)

def reply_broken_unicode(db):
    sent(body_of(b'{"x":"\xff\xfe\xc0\x80"}'))
    os._exit(0)

def reply_not_a_number(db):
    sent(body_of(b'{"x":NaN,"y":Infinity}'))
    os._exit(0)

def reply_half_a_surrogate(db):
    sent(body_of(b'{"x":"\\ud800"}'))
    os._exit(0)

def reply_a_deep_list(db):
    sent(body_of(b'{"x":' + b"[" * 40_000 + b"]" * 40_000 + b"}"))
    os._exit(0)

def reply_a_deep_object(db):
    sent(body_of(b'{"x":' * 9_000 + b"1" + b"}" * 9_000))
    os._exit(0)

def reply_a_list_of_some_depth(db):
    sent(body_of(b'{"x":' + b"[" * 400 + b"]" * 400 + b"}"))
    os._exit(0)

def reply_an_unclosed_bomb(db):
    sent(body_of(b'{"x":' + b"[" * 90_000))
    os._exit(0)

def reply_a_list(db):
    sent(body_of(b"[1,2,3]"))
    os._exit(0)

def reply_half_and_die(db):
    os.write(3, b"\x00\x00\x10\x00" + b'{"id":1')
    os._exit(0)

def reply_half_and_wait(db):
    os.write(3, b"\x00\x00\x10\x00" + b'{"id":1')
    while True: pass

def reply_byte_by_byte(db):
    os.write(3, (100_000).to_bytes(4, "big"))
    while True:
        os.write(3, b" ")
        for _ in range(200_000): pass

def announce_a_giant(db):
    os.write(3, b"\xff\xff\xff\xff")
    while True: pass

def announce_zero(db):
    os.write(3, b"\x00\x00\x00\x00" * 1000)
    os._exit(0)

def flood(db):
    block = b"x" * (1 << 20)
    for _ in range(200):
        os.write(3, block)
    return {}

def flood_with_good_replies(db):
    sent(body_of(b"{}"), times=100_000)
    return {}

def print_much(db):
    for _ in range(2000):
        print("x" * 100_000)
        sys.stderr.write("x" * 100_000)
    os.write(1, b"x" * 100_000_000)
    return {"got": None}

def reply_much(db): return {"x": "y" * 50_000_000}
def reply_many(db): return {"x": [{}] * 100_000}
def reply_many_keys(db): return {str(n): n for n in range(100_000)}
def reply_itself(db):
    value = {}
    value["x"] = value
    return value

def reply_wide_and_deep(db):
    value = []
    for _ in range(64):
        value = [value, value]
    return {"x": value}

def reply_a_large_integer(db): return {"x": 10 ** 5000}
def reply_hidden_keys(db): return {"x": {1: 2, "1": 3}}
def reply_control_characters(db):
    points = [*range(32), 0x7f, 0x202e, 0x2066, 0xfeff, 0x1f600, *[0x301] * 5000]
    return {"got": None, "text": "".join(map(chr, points))}

def reply_strange_types(db):
    class Text(str):
        def __str__(self): os._exit(9)
    class Number(int):
        def __repr__(self): return '1,"injected":true'
    class Holder(dict):
        def items(self): return [("x", "injected")]
    return Holder({"x": Text("y"), "n": Number(3)})

def refuse_with_much(db): raise ValueError("y" * 50_000_000)
def refuse_with_a_trap(db):
    class Trap(str):
        def __str__(self): os._exit(9)
        def encode(self, *_): return b"x" * 10_000_000
    raise ValueError(Trap("x"))

def break_with_a_trap(db):
    class Trap(Exception):
        def __str__(self): raise SystemExit(1)
    raise Trap

def break_with_a_chain(db):
    error = ValueError("end")
    for _ in range(100_000):
        following = KeyError("x")
        following.__cause__ = error
        error = following
    raise error

def patch_the_encoder(db):
    json.dumps = lambda *_, **__: '{"id":1}'
    return {}

def patch_the_builtins(db):
    import builtins
    builtins.isinstance = lambda *_: True
    return [1]

def patch_the_loop(db):
    guest = sys.modules["astra_arena.sandbox.guest.session"]
    guest.send_frame = lambda channel, body: channel.sendall(b"nonsense" * 1000)
    return {}

def close_the_channel(db):
    os.close(3)
    return {}

def shut_the_channel(db):
    socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fileno=3).shutdown(2)
    return {}
"""

BITES: tuple[str, ...] = ()
"""None of them is a matter of the kernel."""

ENDINGS: dict[str, str] = {
    **dict.fromkeys(
        (
            "forge_twice",
            "forge_a_later_reply",
            "forge_an_earlier_reply",
            "forge_a_negative_id",
            "forge_another_kind",
            "forge_a_replay",
            "forge_and_return",
            "forge_everything_at_once",
            "refuse_with_a_trap",
            "patch_the_loop",
            "shut_the_channel",
            "forge_a_void",
            "forge_unknown_fields",
            "reply_nothing_at_all",
            "reply_no_json",
            "reply_a_pickle",
            "reply_broken_unicode",
            "reply_not_a_number",
            "reply_half_a_surrogate",
            "reply_a_deep_list",
            "reply_a_deep_object",
            "reply_a_list_of_some_depth",
            "reply_an_unclosed_bomb",
            "reply_a_list",
            "reply_half_and_die",
            "reply_half_and_wait",
            "reply_byte_by_byte",
            "announce_a_giant",
            "announce_zero",
            "flood",
            "flood_with_good_replies",
            "close_the_channel",
        ),
        "dies",
    ),
    "patch_the_builtins": "either",
    "refuse_with_much": "either",
    "reply_wide_and_deep": "either",
    # A tool may say what it likes of its own session; only tests of an environment find that out.
    "patch_the_encoder": "lies",
}
"""Endings other than `held`."""
