package sark.lib.names_test

import data.sark.lib.names

test_name_as_it_is if names.any_of("openai", ["anthropic", "openai"])

test_case_does_not_count if names.any_of("OpenAI", ["openAI"])

test_beginning if names.any_of("claude-haiku-4-5", ["claude-haiku-*"])

test_star_alone_is_everything if names.any_of("x", ["*"])

test_beginning_needs_its_star if not names.any_of("claude-haiku-4-5", ["claude-haiku-"])

test_star_inside_is_a_star if not names.any_of("claude-haiku-4-5", ["claude-*-4-5"])

test_nothing_fits_no_pattern if not names.any_of("openai", [])

test_program_without_its_ending if names.program("Chrome.EXE") == "chrome"

test_share if names.share(["a", "b"], ["b"])

test_share_nothing if not names.share(["a"], ["b"])

test_share_of_nobody if not names.share([], ["b"])
