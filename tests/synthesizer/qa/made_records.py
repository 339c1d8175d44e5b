"""Records in the formats of MuSiQue, 2WikiMultihop, HotpotQA, FinQA and ConvFinQA.

All of them were made for these tests; none is from a data set. People, places and figures are
invented.
"""

from astra_arena.core.canonical import JsonObject

MUSIQUE: JsonObject = {
    "id": "2hop__1_2",
    "question": "In which town was the founder of Larkmill Brewery born?",
    "answer": "Oxley",
    "answerable": True,
    "paragraphs": [
        {
            "idx": 0,
            "title": "Larkmill Brewery",
            "paragraph_text": "Larkmill Brewery was founded in 1874 by Ada Quill.",
            "is_supporting": True,
        },
        {
            "idx": 1,
            "title": "Ada Quill",
            "paragraph_text": "Ada Quill was born in Oxley.",
            "is_supporting": True,
        },
        {
            "idx": 2,
            "title": "Brandt Brewery",
            "paragraph_text": "Brandt Brewery was founded by Otto Brandt.",
            "is_supporting": False,
        },
    ],
    "question_decomposition": [
        {
            "id": 1,
            "question": "Larkmill Brewery >> founded by",
            "answer": "Ada Quill",
            "paragraph_support_idx": 0,
        },
        {
            "id": 2,
            "question": "In which town was #1 born?",
            "answer": "Oxley",
            "paragraph_support_idx": 1,
        },
    ],
}

TWO_WIKI: JsonObject = {
    "_id": "w1",
    "type": "compositional",
    "question": "Who is the mother of the director of The Tin Harbour?",
    "answer": "Ilse Morrow",
    "context": [
        ["The Tin Harbour", ["The Tin Harbour is a film.", "It was directed by Jon Morrow."]],
        ["Jon Morrow", ["Jon Morrow is a son of Ilse Morrow."]],
        ["The Glass Pier", ["The Glass Pier is a film by Pia Lund."]],
    ],
    "supporting_facts": [["The Tin Harbour", 1], ["Jon Morrow", 0]],
    "evidences": [
        ["The Tin Harbour", "director", "Jon Morrow"],
        ["Jon Morrow", "mother", "Ilse Morrow"],
    ],
}

HOTPOT: JsonObject = {
    "_id": "h1",
    "level": "easy",
    "type": "bridge",
    "question": "Which river runs through the birthplace of Pia Lund?",
    "answer": "the Senn",
    "context": [["Pia Lund", ["She was born in Varn."]], ["Varn", ["The Senn runs through Varn."]]],
    "supporting_facts": [["Pia Lund", 0], ["Varn", 0]],
}

_PAGE: JsonObject = {
    "pre_text": ["the following table shows revenue .", "all figures are in millions ."],
    "post_text": ["a dividend of 12.5 was paid in 2011 ."],
    "filename": "MADE/2011/page_1.pdf",
    "table": [
        ["", "2011", "2010", "2009"],
        ["revenue", "$ 5829", "$ 5735", "$ 5600"],
        ["costs", "( 4100 )", "( 4000 )", "( 3900 )"],
        ["staff", "310", "305", "299"],
    ],
}

FINQA: JsonObject = {
    **_PAGE,
    "id": "MADE/2011/page_1.pdf-1",
    "qa": {
        "question": "what was the growth of revenue from 2010 to 2011?",
        "answer": "1.6%",
        "program": "subtract(5829, 5735), divide(#0, 5735)",
        "program_re": "divide(subtract(5829, 5735), 5735)",
        "exe_ans": 0.01639,
        "gold_inds": {},
    },
}

FINQA_ROW: JsonObject = {
    **_PAGE,
    "id": "MADE/2011/page_1.pdf-2",
    "qa": {
        "question": "what was the highest number of staff?",
        "answer": "310",
        "program": "table_max(staff, none)",
        "exe_ans": 310.0,
    },
}

FINQA_COMPARED: JsonObject = {
    **_PAGE,
    "id": "MADE/2011/page_1.pdf-3",
    "qa": {
        "question": "was revenue in 2011 greater than in 2010?",
        "answer": "yes",
        "program": "greater(5829, 5735)",
        "exe_ans": "yes",
    },
}

CONVFINQA: JsonObject = {
    **_PAGE,
    "id": "Single_MADE/2011/page_1.pdf-1",
    "annotation": {
        "dialogue_break": [
            "what was revenue in 2011?",
            "and in 2010?",
            "what is the difference?",
            "what is that in percent of the revenue in 2010?",
        ],
        "turn_program": [
            "5829",
            "5735",
            "subtract(5829, 5735)",
            "change = 5829 - 5735\nshare = change / 5735",
        ],
        "exe_ans_list": [5829.0, 5735.0, 94.0, 0.01639],
    },
}
