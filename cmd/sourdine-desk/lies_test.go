package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sourdine/journalist-ui/desk/desktest"
)

// Each lie of a malicious server is caught with its own sentence, on the command
// line and on the page; what is sound in the same parcel comes in, and what is
// doubtful is kept apart and marked.
func TestLies(t *testing.T) {
	s := newScene(t)
	for _, l := range lieTable() {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			v := newVictim(t, s)
			code, errOut := v.isToldLie(l)
			if code != l.exits() || !sameLines(v.wrong(errOut), l.says) {
				t.Errorf("exit code %d, wrong: %q", code, v.wrong(errOut))
			}
			v.checkHere(l)
			v.checkPages(l)
			if _, audit, _ := v.run("audit", "--json"); !strings.Contains(audit, fmt.Sprintf(`"kind": "%s"`, l.kind)) {
				t.Errorf("the audit does not find %q: %s", l.kind, audit)
			}
		})
	}
	t.Run("the log agrees", func(t *testing.T) { checkAgreedLies(t, s) })
}

// isToldLie lets the lie come in its way, and returns how the command ended that
// it came by.
func (v *victim) isToldLie(l lie) (code int, errOut string) {
	v.t.Helper()
	s, base := v.scene, v.scene.honest
	switch l.arrives {
	case compared:
		v.imports(s.honest)
	case afterOld:
		v.imports(s.old)
	case later:
		v.imports(s.honest)
	case replayed:
		v.imports(s.honest)
		base = s.old
	}
	told := s.vault.Forge(base, func(f *desktest.Forgery) { l.tell(s, f) })
	if l.arrives != compared {
		code, _, errOut = v.run("import", v.file(told))
		return code, errOut
	}
	other := newVictim(v.t, s)
	other.imports(told) // alone they cannot know
	_, checkpoint, _ := other.run("checkpoint")
	code, _, errOut = v.run("compare", v.file([]byte(checkpoint)))
	return code, errOut
}

// exits: notes are for people to read, and no reason to stop.
func (l lie) exits() int {
	if slices.ContainsFunc(l.says, func(line string) bool { return !strings.HasPrefix(line, note) }) {
		return exitFindings
	}
	return 0
}

// sameLines: a line may go on in brackets, with what the kind does not say.
func sameLines(got, want []string) bool {
	want = slices.Sorted(slices.Values(want))
	return slices.EqualFunc(got, want, func(g, w string) bool { return g == w || strings.HasPrefix(g, w+" (") })
}

func (v *victim) checkHere(l lie) {
	v.t.Helper()
	taken, apart := v.here()
	if !slices.Equal(taken, slices.Sorted(slices.Values(l.taken))) || !slices.Equal(apart, slices.Sorted(slices.Values(l.apart))) {
		v.t.Errorf("taken %q, kept apart %q", taken, apart)
	}
	if n := v.acknowledged(); n != strconv.Itoa(len(taken)) && len(taken) > 0 {
		v.t.Errorf("%s acknowledged, %d taken", n, len(taken))
	}
}

// checkPages: the inbox leads to the log, which has the sentence; so has each
// submission that is kept apart, which is marked in the inbox, too.
func (v *victim) checkPages(l lie) {
	v.t.Helper()
	page := v.pages()
	for language, c := range map[string]struct{ says, toLog, mark, kept string }{
		"fr": {l.fr, "Voir le journal du serveur", ">douteux<", "La copie de ce bureau est une autre, et reste."},
		"en": {l.en, "See the server’s log", ">doubtful<", "The copy at this desk is another one, and was kept."},
	} {
		if log := page("/log?lang=" + language); !strings.Contains(log, c.says) {
			v.t.Errorf("the log's page lacks %q: %s", c.says, log)
		} else if l.exits() != 0 && !strings.Contains(log, `name="key" value="finding `) {
			v.t.Error("nobody can say that they know it")
		} else if strings.Contains(log, c.kept) != (l.arrives == later) {
			v.t.Errorf("that what is here was kept: %s", log)
		}
		inbox := page("/?lang=" + language)
		if !strings.Contains(inbox, c.toLog) || strings.Count(inbox, c.mark) != len(l.apart) {
			v.t.Errorf("the inbox marks %d: %s", strings.Count(inbox, c.mark), inbox)
		}
		for _, message := range l.apart {
			if sub := page("/submissions/" + v.scene.ids[message] + "?lang=" + language); !strings.Contains(sub, c.says) || !strings.Contains(sub, c.mark) {
				v.t.Errorf("the page of %s lacks %q: %s", message, c.says, sub)
			}
		}
	}
}
