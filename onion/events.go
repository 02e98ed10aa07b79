package onion

import (
	"fmt"
	"regexp"
	"strings"
)

// handle takes one event of tor's (control-spec, section 4.1).
func (t *Tor) handle(event string) {
	kind, rest, _ := strings.Cut(event, " ")
	switch kind {
	case "HS_DESC":
		t.noteDescriptor(strings.Fields(rest))
	case "STATUS_CLIENT":
		t.noteBootstrap(rest)
	}
}

// noteDescriptor takes the fields of HS_DESC: action, address without suffix,
// and what we do not need.
func (t *Tor) noteDescriptor(fields []string) {
	if len(fields) < 2 {
		return
	}
	t.mu.Lock()
	p := t.published[fields[1]+addressSuffix]
	t.mu.Unlock()
	if p != nil {
		p.uploads.note(fields[0])
	}
}

// bootstrap is how far tor has come in connecting to its network.
type bootstrap struct {
	percent, summary, warning string
}

func (b bootstrap) String() string {
	if b.percent == "" {
		return "tor has not begun to connect"
	}
	s := fmt.Sprintf("tor is connected to %s %% (%s)", b.percent, b.summary)
	if b.warning != "" {
		s += ", with the warning: " + b.warning
	}
	return s
}

// noteBootstrap takes a line such as
//
//	NOTICE BOOTSTRAP PROGRESS=50 TAG=loading_descriptors SUMMARY="Loading relay descriptors"
//
// The HOSTADDR of a warning is left out: it may name a guard or a bridge.
func (t *Tor) noteBootstrap(line string) {
	if !strings.Contains(line, "BOOTSTRAP ") {
		return
	}
	now := bootstrap{field(line, "PROGRESS"), field(line, "SUMMARY"), field(line, "WARNING")}
	t.mu.Lock()
	before := t.boot
	t.boot = now
	t.mu.Unlock()
	if now != before {
		t.log(now.String())
	}
}

func (t *Tor) progress() bootstrap {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.boot
}

// field returns the value of a KEY=value or KEY="quoted value" in line, cut to
// what is safe to print.
func field(line, key string) string {
	m := regexp.MustCompile(`\b` + key + `=("(?:[^"\\]|\\.)*"|\S*)`).FindStringSubmatch(line)
	if m == nil {
		return ""
	}
	printable := strings.Map(func(r rune) rune {
		if r < ' ' || r == '"' {
			return -1
		}
		return r
	}, m[1])
	return printable[:min(len(printable), 120)]
}
