# Which programs may speak to models. See docs/policies/unauthorised-process.md.
package sark.edr.unauthorised_process

import data.sark.lib.names

lists := data.edr.processes

speaks if input.kind in {"llm_connection", "llm_lookup"}

sure if input.confidence >= lists.confidence

exempt if names.share(input.groups, lists.exempt_groups)

exempt if names.share(input.host.tags, lists.exempt_tags)

program := names.program(input.process.name)

authorised if names.any_of(program, lists.authorised)

authorised if names.any_of(input.agent, lists.authorised_agents)

# Who must have signed the program, if it is said of it.
signers := lists.signers[program]

signed if input.process.signer in signers

severity := "high" if names.share(input.host.tags, lists.server_tags)

else := "medium"

whom := object.get(input, "provider", "a model")

decisions contains {
	"action": lists.action,
	"rule_id": "not-authorised",
	"severity": severity,
	"reason": sprintf("%v is not among the programs that may speak to %v", [program, whom]),
} if {
	speaks
	sure
	not authorised
	not exempt
}

decisions contains {
	"action": lists.action,
	"rule_id": "wrong-signer",
	"severity": "high",
	"reason": sprintf("%v speaks to %v, and is not signed by whom it should be", [program, whom]),
} if {
	speaks
	sure
	signers
	not signed
	not exempt
}
