package vault_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"sourdine/vault"
	"sourdine/vault/vaulttest"
)

// verifiable makes a vault with everything in it, deletions and replaced
// envelopes, and closes it. It is on a memory disk where there is one.
func verifiable(t *testing.T) (path string, ids []vault.ID) {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "sourdine-verify-")
	if err != nil {
		dir = t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path = filepath.Join(dir, "vault.db")
	orFatal(t, vault.Create(path))
	v, err := vault.Open(path)
	orFatal(t, err)
	orFatal(t, v.SetFiles(ctx, map[string]string{"vault.key": "abc"}))
	addChannel(t, v, "Nice", vault.Member{Fingerprint: fingerprint("A")}, vault.Member{Fingerprint: fingerprint("B"), Certificate: random(9000)})
	addChannel(t, v, "Lyon")
	mailbox := vault.MailboxID{1}
	_, err = v.EnsureMailbox(ctx, mailbox, random(3000))
	orFatal(t, err)
	var gone []vault.Deletion
	for n := range 40 {
		large := 0
		if n%13 == 1 {
			large = 300_000
		}
		id := submit(t, v, random(100), random(n*100), nil, random(n*n+large))
		if n%3 == 0 {
			gone = append(gone, byRetention(id))
			continue
		}
		ids = append(ids, id)
		if n%7 == 0 {
			batch(t, v)
		}
	}
	apply(t, v, func(c *vault.Change) error {
		for _, id := range ids[:9] {
			err = errors.Join(err, c.Acknowledge(id, fingerprint("A")), c.MarkOpened(id), c.Reply(mailbox, random(700)), c.PutOrder(order(id.String()), random(6000)))
		}
		return errors.Join(err, c.SetDesk("F", vault.DeskState{Sequence: 1}), c.Reenvelope(ids[3], random(2000), 2))
	})
	orFatal(t, v.SetPolicy(ctx, "Nice", vault.Policy{Retention: 1}))
	orFatal(t, v.Delete(ctx, gone[:len(gone)-2]))
	batch(t, v)
	noteRestored(t, v)
	orFatal(t, v.Delete(ctx, gone[len(gone)-2:]))
	d := v.NewDraft()
	write(t, d, 0, random(700_000))
	d.Discard()
	orFatal(t, v.Close())
	orFatal(t, vaulttest.Check(path))
	return path, ids
}

func orFatal(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func verify(t testing.TB, path string) vault.Report {
	t.Helper()
	r, err := vault.Verify(ctx, path, vault.VerifyOptions{})
	orFatal(t, err)
	return r
}

func TestVerifySound(t *testing.T) {
	path, ids := verifiable(t)
	r := verify(t, path)
	if !r.Sound() || len(r.Unchecked) > 0 || r.Fine.Submissions != len(ids) || r.Files["vault.key"] != "abc" {
		t.Errorf("%+v", r)
	}
	t.Logf("%+v", r.Fine)
}
