package control

import (
	"fmt"
	"strings"
)

// Refusal is tor's answer to a command that it will not carry out.
type Refusal struct {
	Verb   string // first word of the command; the rest may be secret
	Code   int    // control-spec, section 4
	Reason string // tor's own words
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("tor refused %s: %d %s", r.Verb, r.Code, r.Reason)
}

// secretLen is the length from which a word of a command may be a key.
const secretLen = 32

// scrub takes out of tor's words whatever it repeated of a command's keys.
func scrub(reason, command string) string {
	words := strings.FieldsFunc(command, func(r rune) bool { return strings.ContainsRune(" :,", r) })
	for _, word := range words {
		if len(word) >= secretLen {
			reason = strings.ReplaceAll(reason, word, "[…]")
		}
	}
	return reason
}
