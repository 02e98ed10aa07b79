package admin_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"sourdine/vault"
	"sourdine/vault/admin"
	"sourdine/vault/card"
	"sourdine/vault/clientkey"
	"sourdine/vault/parcel"
	"sourdine/vault/seal"
	"sourdine/vault/vaulttest"
)

var ctx = context.Background()

// serving opens a home as a running server does.
func serving(t testing.TB, h admin.Home) *admin.Local {
	t.Helper()
	local, err := admin.Open(h)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := admin.ListenControl(h)
	if err != nil {
		t.Fatal(err)
	}
	serving, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- local.ServeControl(serving, listener) }()
	local.Serving = func(s *admin.Status) { s.Sites = append(s.Sites, admin.SiteStatus{Site: admin.SourceSite}) }
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-done, local.Close()); err != nil {
			t.Error(err)
		}
	})
	return local
}

func connect(t testing.TB, h admin.Home) admin.Admin {
	t.Helper()
	a, err := admin.Connect(h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

// A call is one operation; its result is compared as text.
type call struct {
	name string
	do   func(admin.Admin) (any, error)
}

var sentinels = map[string]error{
	"exists": vault.ErrExists, "not found": vault.ErrNotFound, "refused": admin.ErrRefused,
	"stranger": admin.ErrStranger, "private key": seal.ErrPrivateKey, "no reviewer": admin.ErrNoReviewer, "last": vault.ErrLastReviewer,
}

// outcome is the result, the error's text, and every sentinel it wraps.
func outcome(c call, a admin.Admin) string {
	result, err := c.do(a)
	text := fmt.Sprintf("%+v, %v", result, err)
	for _, name := range []string{"exists", "not found", "refused", "stranger", "private key", "no reviewer", "last"} {
		if errors.Is(err, sentinels[name]) {
			text += " [" + name + "]"
		}
	}
	return text
}

func calls(t testing.TB) []call {
	post, old := vaulttest.NewKey(t, vaulttest.PostQuantum), vaulttest.NewKey(t, vaulttest.V4)
	client, err := clientkey.New()
	if err != nil {
		t.Fatal(err)
	}
	elise := card.Card{Name: "Élise", Certificate: string(armoredCertificate(t, post)), ClientKey: client.Public().String()}
	weakClient := elise
	weakClient.ClientKey = strings.Repeat("A", 52)
	whole := encoded(t, elise)
	var secret bytes.Buffer
	if err := old.Entity.SerializePrivateWithoutSigning(&secret, nil); err != nil {
		t.Fatal(err)
	}
	expired := vaulttest.V4
	expired.Time, expired.KeyLifetimeSecs = func() time.Time { return time.Now().AddDate(-1, 0, 0) }, 60
	add := func(name, channel string, raw []byte) call {
		return call{"add " + name, func(a admin.Admin) (any, error) { return a.AddReviewer(ctx, channel, raw) }}
	}
	channel := func(name string) call {
		return call{fmt.Sprintf("channel %.20q", name), func(a admin.Admin) (any, error) { return nil, a.AddChannel(ctx, name) }}
	}
	apply := func(name string, p []byte) call {
		return call{"apply " + name, func(a admin.Admin) (any, error) { return a.ApplyParcel(ctx, bytes.NewReader(p)) }}
	}
	remove := func(channel, wanted string) call {
		return call{fmt.Sprintf("remove %q", wanted), func(a admin.Admin) (any, error) { return a.RemoveReviewer(ctx, channel, wanted) }}
	}
	return []call{
		channel("Nice"), channel("Nice"), channel(""), channel(" Nice"), channel("a\nb"), channel("a\x1b[2J"), channel("Saint-Étienne & co + 100 %?"),
		channel(strings.Repeat("é", 64)), channel(strings.Repeat("é", 65)), channel("\xff"),
		add("to no channel", "Marseille", whole), add("a bare certificate", "Nice", old.Certificate(t)),
		add("a bare certificate twice", "Nice", old.Certificate(t)), add("nothing", "Nice", nil), add("text", "Nice", []byte("bonjour")),
		add("a card", "Nice", whole), add("a card twice", "Nice", whole), add("to another channel", "Saint-Étienne & co + 100 %?", whole),
		add("a secret key", "Nice", secret.Bytes()), add("an expired one", "Nice", vaulttest.NewKey(t, expired).Certificate(t)),
		add("a weak one", "Nice", vaulttest.NewKey(t, packet.Config{Algorithm: packet.PubKeyAlgoRSA, RSABits: 2048}).Certificate(t)),
		add("a card with a wrong client key", "Nice", encoded(t, weakClient)),
		add("a huge card", "Nice", make([]byte, card.MaxSize+1)), add("a far too huge card", "Nice", make([]byte, 3*card.MaxSize)),
		remove("Nice", "Nobody"), remove("Marseille", "Élise"), remove("Nice", ""), remove("Nice", "é & ?=%\x00\xff"), remove("Nice", "Élise"), remove("Nice", "Élise"),
		remove("Nice", fmt.Sprintf("%X", old.Entity.PrimaryKey.Fingerprint)), remove("Saint-Étienne & co + 100 %?", "Élise"), add("a card again", "Nice", whole),
		apply("nothing", nil), apply("noise", make([]byte, 1<<20)), apply("large noise", make([]byte, 40<<20)), apply("an outbound parcel", outbound(t)),
		{"policy", func(a admin.Admin) (any, error) { return a.Policy(ctx, "Saint-Étienne & co + 100 %?") }},
		{"policy of nothing", func(a admin.Admin) (any, error) { return a.Policy(ctx, "Marseille") }},
		{"change policy", func(a admin.Admin) (any, error) {
			return nil, a.SetPolicy(ctx, "Nice", vault.Policy{Retention: 7, Limit: 400})
		}},
		{"wrong policy", func(a admin.Admin) (any, error) { return nil, a.SetPolicy(ctx, "Nice", vault.Policy{Retention: -1}) }},
		{"far too long policy", func(a admin.Admin) (any, error) { return nil, a.SetPolicy(ctx, "Nice", vault.Policy{Limit: 1e9}) }},
		{"change policy of nothing", func(a admin.Admin) (any, error) { return nil, a.SetPolicy(ctx, "Marseille", vault.Policy{}) }},
		{"policy then", func(a admin.Admin) (any, error) { return a.Policy(ctx, "Nice") }},
		{"retain", func(a admin.Admin) (any, error) { return a.Retain(ctx) }},
		{"status", func(a admin.Admin) (any, error) {
			s, err := a.Status(ctx)
			s.VaultKey, s.Serving, s.Sites, s.FileBytes, s.Log.Root = "", false, nil, 0, ""
			return s, err
		}},
	}
}

func encoded(t testing.TB, c card.Card) []byte {
	t.Helper()
	raw, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// outbound is a parcel that goes the other way.
func outbound(t testing.TB) []byte {
	t.Helper()
	v := vaulttest.NewVault(t)
	secret, _, err := parcel.NewVaultKey()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := parcel.Write(ctx, &b, v, secret, parcel.Request{}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What a command does and says is the same whether a server runs or not.
func TestSameLocallyAndRemotely(t *testing.T) {
	t.Parallel() // finding the vault locked takes a second
	all := calls(t)
	idle, busy := newHome(t), newHome(t)
	serving(t, busy)
	local, remote := connect(t, idle), connect(t, busy)
	for _, c := range all {
		want, got := outcome(c, local), outcome(c, remote)
		if got != want {
			t.Errorf("%s: a running server says\n\t%.300s, without one it is\n\t%.300s", c.name, got, want)
		}
		t.Logf("%s: %.150s", c.name, want)
	}
}

func TestServingTells(t *testing.T) {
	t.Parallel() // finding the vault locked takes a second
	h := newHome(t)
	local := serving(t, h)
	changes := 0
	local.RosterChanged = func() { changes++ }
	remote := connect(t, h)
	if err := remote.AddChannel(ctx, "Nice"); err != nil || changes != 0 {
		t.Errorf("%v, %d changes of rosters", err, changes)
	}
	certificate := vaulttest.NewKey(t, vaulttest.V4).Certificate(t)
	for range 2 { // the second time it is there already
		_, _ = remote.AddReviewer(ctx, "Nice", certificate)
	}
	if changes != 1 {
		t.Errorf("%d changes of rosters", changes)
	}
	s, err := remote.Status(ctx)
	if err != nil || !s.Serving || len(s.Sites) != 1 || len(s.Channels) != 1 || len(s.Channels[0].Reviewers) != 1 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestStatusNamesProblems(t *testing.T) {
	h := newHome(t)
	a, err := admin.Open(h)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	problems := func() []string {
		s, err := a.Status(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return s.Problems
	}
	if got := problems(); !slices.Equal(got, []string{"there is no channel yet: sources cannot send anything"}) {
		t.Errorf("a new home: %q", got)
	}
	if err := a.AddChannel(ctx, "Nice"); err != nil {
		t.Fatal(err)
	}
	if got := problems(); !slices.Equal(got, []string{"channel Nice has no reviewer who could read a submission: it is closed to sources"}) {
		t.Errorf("a channel: %q", got)
	}
	if _, err := a.AddReviewer(ctx, "Nice", vaulttest.NewKey(t, vaulttest.PostQuantum).Certificate(t)); err != nil {
		t.Fatal(err)
	}
	if got := problems(); got == nil || len(got) != 0 {
		t.Errorf("all is well: %q", got)
	}
	if _, err := a.AddReviewer(ctx, "Nice", vaulttest.NewKey(t, vaulttest.V4).Certificate(t)); err != nil {
		t.Fatal(err)
	}
	if got := problems(); len(got) != 3 {
		t.Errorf("with an old certificate: %q", got)
	}
	// Since it was added, a certificate has expired.
	old := vaulttest.V4
	old.Time, old.KeyLifetimeSecs = func() time.Time { return time.Now().AddDate(-1, 0, 0) }, 60
	expired := vaulttest.NewKey(t, old)
	member := vault.Member{Fingerprint: strings.Repeat("AB", 20), Certificate: expired.Certificate(t)}
	if err := a.AddChannel(ctx, "Paris"); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Vault().AddMember(ctx, "Paris", member); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(problems(), "\n"); !strings.Contains(got, "the certificate of reviewer "+strings.Repeat("AB", 20)+" in channel Paris can no longer encrypt") ||
		!strings.Contains(got, "channel Paris has no reviewer who could read") {
		t.Errorf("with an expired one: %s", got)
	}
}

func TestClientKeys(t *testing.T) {
	a, err := admin.Open(newHome(t))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	key, err := clientkey.New()
	if err != nil {
		t.Fatal(err)
	}
	raw := encoded(t, card.Card{Name: "Élise", Certificate: string(armoredCertificate(t, vaulttest.NewKey(t, vaulttest.X25519))), ClientKey: key.Public().String()})
	for _, channel := range []string{"Nice", "Paris"} {
		if err := a.AddChannel(ctx, channel); err != nil {
			t.Fatal(err)
		}
		if r, err := a.AddReviewer(ctx, channel, raw); err != nil || !r.Pickup || !r.Valid || r.Name != "Élise" {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	if r, err := a.AddReviewer(ctx, "Nice", vaulttest.NewKey(t, vaulttest.V4).Certificate(t)); err != nil || r.Pickup {
		t.Fatalf("%+v, %v", r, err)
	}
	keys, err := a.ClientKeys()
	if err != nil || len(keys) != 1 || !keys[0].Equal(key.Public()) {
		t.Errorf("%v, %v", keys, err)
	}
}
