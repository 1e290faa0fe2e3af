# Names and patterns of data.yaml.
package sark.lib.names

# Whether a name fits one of these patterns: as it is, or its beginning and a `*`. Case does not
# count.
any_of(name, patterns) if {
	small := lower(name)
	some pattern in patterns
	lower(pattern) == small
}

any_of(name, patterns) if {
	small := lower(name)
	some pattern in patterns
	endswith(pattern, "*")
	startswith(small, trim_suffix(lower(pattern), "*"))
}

# A program's name as the lists of data.yaml have it.
program(name) := trim_suffix(lower(name), ".exe")

# Whether two lists have something in common.
share(some_of, others) if {
	some one in some_of
	one in others
}
