# Which MCP servers run on hosts. See docs/policies/mcp-server-started.md.
package sark.edr.mcp_server_started

import data.sark.lib.names

lists := data.edr.mcp

started if {
	lists
	input.kind == "mcp_started"
}

exempt if names.share(input.groups, lists.exempt_groups)

exempt if names.share(input.host.tags, lists.exempt_tags)

approved if names.any_of(input.mcp.package, lists.approved)

severity := "high" if names.share(input.mcp.abilities, lists.grave_abilities)

else := "medium"

# A package that is not known is told by the program that runs it.
package_name := input.mcp.package if input.mcp

else := sprintf("started by %v", [input.process.name])

decisions contains {
	"action": "alert",
	"rule_id": "not-approved",
	"severity": severity,
	"reason": sprintf("the MCP server %v is not on the list of approved ones", [package_name]),
} if {
	started
	not approved
	not exempt
}

decisions contains {
	"action": "alert",
	"rule_id": "no-version",
	"severity": "low",
	"reason": sprintf(
		"the MCP server %v is fetched anew at each start, as no version is named",
		[package_name],
	),
} if {
	started
	input.mcp
	not input.mcp.pinned
	not exempt
}
