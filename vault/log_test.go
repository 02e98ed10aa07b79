package vault_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"sync"
	"testing"

	"sourdine/vault"
	"sourdine/vault/translog"
	"sourdine/vault/vaulttest"
)

// leaves decodes all that is in the log.
func leaves(t testing.TB, v *vault.Vault) (decoded []translog.Leaf) {
	t.Helper()
	size, err := v.LogSize()
	if err != nil {
		t.Fatal(err)
	}
	for raw, err := range v.Leaves(0, size) {
		if err != nil {
			t.Fatalf("Leaves: %v", err)
		}
		leaf, err := translog.Decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		decoded = append(decoded, leaf)
	}
	return decoded
}

func pending(t testing.TB, v *vault.Vault) int {
	t.Helper()
	n, err := v.Pending()
	if err != nil {
		t.Fatalf("Pending: %v", err)
	}
	return n
}

func batch(t testing.TB, v *vault.Vault) int64 {
	t.Helper()
	size, err := v.Batch(ctx)
	if err != nil {
		t.Fatalf("Batch: %v", err)
	}
	return size
}

// Every change that the log is told is in it after the next batch, once, and
// says what happened.
func TestLeavesSayWhatHappened(t *testing.T) {
	v := vaulttest.NewVault(t)
	addChannel(t, v, "Nice", vault.Member{Name: "Élise", Fingerprint: fingerprint("B")}, vault.Member{Fingerprint: fingerprint("A")})
	payloads := [][]byte{random(10), random(300_000)}
	d := v.NewDraft()
	for n, p := range payloads {
		write(t, d, n, p)
	}
	c := commitment()
	c.Epoch = 2
	id, err := d.Commit(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	if err := v.SetPolicy(ctx, "Nice", vault.Policy{Retention: 7, Limit: 90}); err != nil {
		t.Fatal(err)
	}
	if n := pending(t, v); n != 5 {
		t.Errorf("%d leaves wait", n)
	}
	if _, ok, err := v.LeafOf(id); ok || err != nil {
		t.Errorf("LeafOf before the batch: %v, %v", ok, err)
	}
	if size := batch(t, v); size != 5 || pending(t, v) != 0 {
		t.Errorf("the log has %d leaves, and %d wait", size, pending(t, v))
	}
	if err := v.Delete(ctx, []vault.Deletion{{ID: id, Reason: translog.ByOrder, By: fingerprint("A"), Order: order("x")}}); err != nil {
		t.Fatal(err)
	}
	if size := batch(t, v); size != 6 {
		t.Errorf("the log has %d leaves", size)
	}
	all := leaves(t, v)
	index, ok, err := v.LeafOf(id)
	if err != nil || !ok {
		t.Fatalf("LeafOf: %v, %v", ok, err)
	}
	s := all[index].(translog.Submission)
	recipients := []string{translog.RecipientHash(fingerprint("A")), translog.RecipientHash(fingerprint("B"))}
	slices.Sort(recipients)
	if s.ID != id.String() || s.Channel != "Nice" || s.Day != c.Day || s.Epoch != 2 || !slices.Equal(s.Recipients, recipients) ||
		!slices.Equal(s.Payloads, []string{digest(payloads[0]), digest(payloads[1])}) {
		t.Errorf("the submission's leaf is %+v", s)
	}
	if d, ok := all[5].(translog.Deletion); !ok || d.ID != id.String() || d.Channel != "Nice" || d.Reason != translog.ByOrder || d.By != fingerprint("A") || d.Order != order("x") {
		t.Errorf("the last leaf is %+v", all[5])
	}
	checkRosterLeaves(t, v, all)
}

func checkRosterLeaves(t *testing.T, v *vault.Vault, all []translog.Leaf) {
	t.Helper()
	rosters, policies := 0, 0
	for _, leaf := range all {
		switch leaf := leaf.(type) {
		case translog.Roster:
			rosters++
			raw, roster, err := v.RosterAt("Nice", leaf.Epoch)
			if err != nil || leaf.SHA256 != digest(raw) || len(leaf.Members) != len(roster.Members) || int(leaf.Epoch) != len(roster.Members) {
				t.Errorf("the leaf %+v is of the roster %+v, %v", leaf, roster, err)
			}
		case translog.Policy:
			policies++
			if leaf.Retention != 7 || leaf.Limit != 90 || leaf.Channel != "Nice" {
				t.Errorf("the policy's leaf is %+v", leaf)
			}
		}
	}
	if rosters != 3 || policies != 1 {
		t.Errorf("%d rosters, %d policies", rosters, policies)
	}
	if _, _, err := v.RosterAt("Nice", 3); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("a roster that is not there: %v", err)
	}
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func order(name string) string { return digest([]byte(name)) }

// The log is a Merkle tree that proves each of its leaves, whatever the sizes of
// its batches, and none of a batch's leaves is where it came.
func TestBatches(t *testing.T) {
	v := vaulttest.NewVault(t)
	if size := batch(t, v); size != 0 {
		t.Fatalf("an empty log has %d leaves", size)
	}
	var came []vault.ID
	frontier := translog.NewFrontier()
	for _, n := range []int{1, 2, 60, 5} {
		for range n {
			came = append(came, submit(t, v, random(10)))
		}
		from := frontier.Size()
		size := batch(t, v)
		for raw, err := range v.Leaves(from, size) {
			if err != nil {
				t.Fatal(err)
			}
			if err := frontier.Append(raw); err != nil {
				t.Fatal(err)
			}
		}
		root, err := translog.Root(size, v)
		if err != nil || root != frontier.Root() {
			t.Errorf("the root of %d leaves: %v", size, err)
		}
	}
	inOrder := 0
	for i, id := range came {
		index, ok, err := v.LeafOf(id)
		if err != nil || !ok {
			t.Fatalf("LeafOf: %v, %v", ok, err)
		}
		if int(index) == i {
			inOrder++
		}
	}
	if inOrder > 15 {
		t.Errorf("%d of 68 leaves stand where they came", inOrder)
	}
	var beyond error
	for _, err := range v.Leaves(60, 70) {
		beyond = err
	}
	if !errors.Is(beyond, vault.ErrNotFound) {
		t.Errorf("beyond the end: %v", beyond)
	}
	if _, err := v.ReadHashes([]int64{1 << 40}); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("a hash that is not there: %v", err)
	}
}

// A batch of more than one transaction loses nothing, while others write.
func TestLargeBatch(t *testing.T) {
	v := vaulttest.NewVault(t)
	addChannel(t, v, "Nice")
	const writers, each = 64, 180
	var wg sync.WaitGroup
	set := func(n int) {
		for range n {
			if err := v.SetPolicy(ctx, "Nice", vault.Policy{Retention: 1}); err != nil {
				t.Error(err)
			}
		}
	}
	for range writers {
		wg.Go(func() { set(each) })
	}
	wg.Wait()
	wg.Go(func() { set(10) })
	batch(t, v)
	wg.Wait()
	if size := batch(t, v); size != writers*each+11 || len(leaves(t, v)) != int(size) {
		t.Errorf("the log has %d leaves", size)
	}
}

func TestPolicy(t *testing.T) {
	v := vaulttest.NewVault(t)
	addChannel(t, v, "Nice")
	if p, err := v.Policy("Nice"); err != nil || p != (vault.Policy{Retention: 30}) {
		t.Errorf("the default is %+v, %v", p, err)
	}
	for _, p := range []vault.Policy{{Retention: -1}, {Limit: -1}, {Limit: 1 << 30}} {
		if err := v.SetPolicy(ctx, "Nice", p); err == nil {
			t.Errorf("%+v was accepted", p)
		}
	}
	if err := v.SetPolicy(ctx, "Lille", vault.Policy{}); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("SetPolicy: %v", err)
	}
	if _, err := v.Policy("Lille"); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("Policy: %v", err)
	}
	if err := v.SetPolicy(ctx, "Nice", vault.Policy{Limit: 5}); err != nil {
		t.Fatal(err)
	}
	if p, err := v.Policy("Nice"); err != nil || p != (vault.Policy{Limit: 5}) {
		t.Errorf("the policy is %+v, %v", p, err)
	}
	if n := pending(t, v); n != 2 {
		t.Errorf("%d leaves wait", n)
	}
}
