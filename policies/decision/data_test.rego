# Whether data.yaml has what the policies read, under the names they read it by. A section may be
# missing: its policy is off. `sarkctl policy eval data.sark.data_test.wrong` says what is wrong.
package sark.data_test

sections["llm.providers"] := data.llm.providers

sections["llm.models"] := data.llm.models

sections["llm.spend"] := data.llm.spend

sections["llm.secrets"] := data.llm.secrets

sections["llm.hours"] := data.llm.hours

sections["mcp.pins"] := data.mcp.pins

sections["tunnel.services"] := data.tunnel.services

sections["tunnel.llm"] := data.tunnel.llm

sections["edr.processes"] := data.edr.processes

sections["edr.keys"] := data.edr.keys

sections["edr.mcp"] := data.edr.mcp

sections["edr.agents"] := data.edr.agents

sections["sensor.rfc1149"] := data.sensor.rfc1149

# What a request may come to by a rule that neither takes out nor cuts off.
passing := {"audit", "alert", "hold", "deny"}

# What a host or a flow may come to.
cutting := {"audit", "alert", "deny", "block", "isolate"}

shape := {
	"llm.providers": {
		"everyone": "object",
		"groups": "object",
		"unknown": passing,
		"exempt_groups": "array",
	},
	"llm.models": {
		"everyone": "object",
		"groups": "object",
		"unnamed": passing,
		"exempt_groups": "array",
	},
	"llm.spend": {
		"everyone": "object",
		"groups": "object",
		"users": "object",
		"near_percent": "number",
		"unpriced": passing,
		"exempt_groups": "array",
	},
	"llm.secrets": {
		"redact_confidence": "number",
		"deny_over": "number",
		"exempt_kinds": "array",
		"exempt_groups": "array",
		"notify": "string",
	},
	"llm.uninspected": {
		"action": passing,
		"over_bytes": "number",
		"exempt_groups": "array",
	},
	"llm.hours": {
		"days": "array",
		"from": "object",
		"until": "object",
		"holidays": "array",
		"action": passing,
		"exempt_groups": "array",
		"exempt_agents": "array",
	},
	"mcp.pins": {
		"action": passing,
		"exempt_servers": "array",
		"exempt_groups": "array",
	},
	"tunnel.services": {
		"deny": "array",
		"deny_kinds": "array",
		"action": cutting,
		"confidence": "number",
		"exempt_groups": "array",
		"exempt_processes": "array",
		"exempt_corporate": "boolean",
	},
	"tunnel.llm": {
		"alert_over": "number",
		"notify": "string",
	},
	"edr.processes": {
		"authorised": "array",
		"authorised_agents": "array",
		"signers": "object",
		"confidence": "number",
		"action": cutting,
		"server_tags": "array",
		"exempt_tags": "array",
		"exempt_groups": "array",
	},
	"edr.keys": {
		"programs": "object",
		"server_tags": "array",
		"exempt_tags": "array",
		"exempt_groups": "array",
	},
	"edr.mcp": {
		"approved": "array",
		"grave_abilities": "array",
		"exempt_tags": "array",
		"exempt_groups": "array",
	},
	"edr.agents": {
		"forbidden_children": "array",
		"forbidden_parents": "array",
		"action": cutting,
		"unattended": cutting,
		"unattended_tags": "array",
		"exempt_tags": "array",
		"exempt_groups": "array",
	},
	"sensor.rfc1149": {
		"confidence": "number",
		"repeat_over": "number",
		"escape_over_bytes": "number",
		"notify": "string",
		"exempt_sites": "array",
	},
}

fits(value, wanted) if type_name(value) == wanted

fits(value, wanted) if value in wanted

wrong contains sprintf("%v: no shape says what it has", [name]) if {
	some name, _ in sections
	not shape[name]
}

wrong contains sprintf("%v: %v is missing", [name, key]) if {
	some name, section in sections
	some key, _ in shape[name]
	not key in object.keys(section)
}

wrong contains sprintf("%v: nothing reads %v", [name, key]) if {
	some name, section in sections
	some key, _ in section
	not key in object.keys(shape[name])
}

wrong contains sprintf("%v: %v is %v", [name, key, value]) if {
	some name, section in sections
	some key, value in section
	wanted := shape[name][key]
	not fits(value, wanted)
}

wrong contains sprintf("groups: %v is no list of users", [group]) if {
	some group, users in data.groups
	not is_array(users)
}

test_data_is_as_policies_read_it if count(wrong) == 0
