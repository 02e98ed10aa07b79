package vault_test

import (
	"strings"
	"testing"

	"sourdine/vault"
	"sourdine/vault/vaulttest"
)

// Who was removed is not waited for, and when nobody is left of those whom a
// submission is sealed to it is kept.
func TestRemovedReviewersAreNotAsked(t *testing.T) {
	for name, c := range map[string]struct {
		does string // +X, -X: joins, leaves; !: a submission; =: it is sealed to who is there now; X: X acknowledges it
		want bool
	}{
		"both":                                {"+A +B ! A B", true},
		"one":                                 {"+A +B ! A", false},
		"nobody":                              {"+A +B !", false},
		"the other was removed":               {"+A +B ! A -B", true},
		"the one who has it was removed":      {"+A +B ! A -A", false},
		"removed, and nobody has it":          {"+A +B ! -A", false},
		"both have it, one was removed":       {"+A +B ! A B -A", true},
		"removed before it came":              {"+A +B -A ! B", true},
		"added later":                         {"+A ! A +B", true},
		"nobody is left":                      {"+A ! A +B -A", false},
		"nobody is left, and a stranger asks": {"+A ! A +B -A B", false},
		"back again":                          {"+A +B ! A -B +B", false},
		"back again, and has it":              {"+A +B ! A -B +B B", true},
		"had it before, and back again":       {"+A +B ! B -B +B A", true},
		"sealed anew to another":              {"+A ! A +B =", false},
		"sealed anew, and removed":            {"+A ! A +B = -B", true},
		"sealed anew to who was left":         {"+A ! A +B -A = B", true},
		"to nobody":                           {"! +A A", false},
	} {
		t.Run(name, func(t *testing.T) {
			v := vaulttest.NewVault(t)
			addChannel(t, v, "Nice")
			var id vault.ID
			for _, what := range strings.Fields(c.does) {
				id = do(t, v, id, what)
			}
			all, err := v.AckedByAll(id)
			if err != nil || all != c.want {
				t.Errorf("AckedByAll: %v, %v", all, err)
			}
			if gone, _ := expired(t, v, "2100-01-01"); len(gone) == 1 != c.want {
				t.Errorf("%d expired", len(gone))
			}
		})
	}
}

func do(t *testing.T, v *vault.Vault, id vault.ID, what string) vault.ID {
	t.Helper()
	roster, err := v.Roster("Nice")
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case what[0] == '+':
		_, err = v.AddMember(ctx, "Nice", vault.Member{Fingerprint: fingerprint(what[1:]), Certificate: random(9)})
	case what[0] == '-':
		_, err = v.RemoveMember(ctx, "Nice", fingerprint(what[1:]))
	case what == "!":
		d := v.NewDraft()
		write(t, d, 0, random(10))
		id, err = d.Commit(ctx, vault.Commitment{Channel: "Nice", Day: "2026-11-21", Epoch: roster.Epoch, Envelope: random(9)})
	case what == "=":
		err = v.Apply(ctx, func(c *vault.Change) error { return c.Reenvelope(id, random(9), roster.Epoch) })
	default:
		err = v.Apply(ctx, func(c *vault.Change) error { return c.Acknowledge(id, fingerprint(what)) })
	}
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	return id
}

// The retention counts from the last acknowledgement of those who are asked, and from
// the last change of the roster.
func TestRetentionAfterARemoval(t *testing.T) {
	v := vaulttest.NewVault(t)
	addChannel(t, v, "Nice", vault.Member{Fingerprint: fingerprint("A")}, vault.Member{Fingerprint: fingerprint("B")})
	id := do(t, v, vault.ID{}, "!")
	for of, day := range map[string]string{"A": on(-60), "B": on(100)} {
		apply(t, v, func(c *vault.Change) error { return c.SetAcknowledged(id, fingerprint(of), day) })
	}
	first := func() string {
		for _, day := range []string{on(0), on(29), on(30), on(129), on(130)} {
			if ids, _ := expired(t, v, day); len(ids) > 0 {
				return day
			}
		}
		return "never"
	}
	if got := first(); got != on(130) {
		t.Errorf("with both: %s", got)
	}
	do(t, v, id, "-B")
	// From the removal, and not from an acknowledgement of long ago: else what B
	// lacked would go before anybody could seal it to B anew.
	if got := first(); got != on(30) {
		t.Errorf("without the later one: %s", got)
	}
}
