# Tools are called as they were approved. See docs/policies/tool-pins.md.
package sark.mcp.tool_pins

import data.sark.lib.names

pins := data.mcp.pins

exempt if names.share(input.groups, pins.exempt_groups)

exempt if names.any_of(input.call.server, pins.exempt_servers)

decisions contains {
	"action": pins.action,
	"rule_id": "not-pinned",
	"reason": sprintf(
		"the definition of %v at %v is not one that was approved",
		[input.call.name, input.call.server],
	),
} if {
	input.operation == "tool_call"
	not input.call.pinned
	not exempt
}
