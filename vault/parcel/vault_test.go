package parcel_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"testing"

	"sourdine/vault"
	"sourdine/vault/parcel"
	"sourdine/vault/translog"
	"sourdine/vault/vaulttest"
)

const day = "2026-11-21"

func fingerprint(k vaulttest.Key) string { return fmt.Sprintf("%X", k.Entity.PrimaryKey.Fingerprint) }

func newReviewer(t testing.TB) vaulttest.Key { return vaulttest.NewKey(t, vaulttest.X25519) }

// addChannel makes a channel with these reviewers on its roster.
func addChannel(t testing.TB, v *vault.Vault, name string, reviewers ...vaulttest.Key) {
	t.Helper()
	if err := v.AddChannel(ctx, name); err != nil {
		t.Fatal(err)
	}
	for _, k := range reviewers {
		addMember(t, v, name, k)
	}
}

func addMember(t testing.TB, v *vault.Vault, channel string, k vaulttest.Key) {
	t.Helper()
	m := vault.Member{Name: "Camille", Fingerprint: fingerprint(k), Certificate: k.Certificate(t), Added: day}
	if _, err := v.AddMember(ctx, channel, m); err != nil {
		t.Fatal(err)
	}
}

// newVault is a vault with the channel Nice and one reviewer on its roster.
func newVault(t testing.TB) *vault.Vault {
	t.Helper()
	v := vaulttest.NewVault(t)
	addChannel(t, v, "Nice", newReviewer(t))
	return v
}

// submit commits a submission that is said to be sealed to the channel's roster.
func submit(t testing.TB, v *vault.Vault, channel string, envelope []byte, payloads ...[]byte) vault.ID {
	t.Helper()
	roster, err := v.Roster(channel)
	if err != nil {
		t.Fatal(err)
	}
	return submitAt(t, v, vault.Commitment{Channel: channel, Day: day, Epoch: roster.Epoch, Envelope: envelope}, payloads...)
}

func submitAt(t testing.TB, v *vault.Vault, c vault.Commitment, payloads ...[]byte) vault.ID {
	t.Helper()
	d := v.NewDraft()
	for n, p := range payloads {
		w, err := d.Item(ctx, n)
		if err == nil {
			_, err = w.Write(p)
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	id, err := d.Commit(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func apply(t testing.TB, v *vault.Vault, fn func(*vault.Change) error) {
	t.Helper()
	if err := v.Apply(ctx, fn); err != nil {
		t.Fatal(err)
	}
}

func acknowledge(t testing.TB, v *vault.Vault, by vaulttest.Key, ids ...vault.ID) {
	t.Helper()
	apply(t, v, func(c *vault.Change) error {
		for _, id := range ids {
			if err := c.Acknowledge(id, fingerprint(by)); err != nil {
				return err
			}
		}
		return nil
	})
}

// deleteByOrder deletes a submission as a return parcel does.
func deleteByOrder(t testing.TB, v *vault.Vault, by vaulttest.Key, id vault.ID, order []byte) {
	t.Helper()
	apply(t, v, func(c *vault.Change) error {
		sum := fmt.Sprintf("%x", sha256.Sum256(order))
		if err := c.PutOrder(sum, order); err != nil {
			return err
		}
		return c.Delete(vault.Deletion{ID: id, Reason: translog.ByOrder, By: fingerprint(by), Order: sum})
	})
}

func setDesk(t testing.TB, v *vault.Vault, of vaulttest.Key, state vault.DeskState) {
	t.Helper()
	apply(t, v, func(c *vault.Change) error { return c.SetDesk(fingerprint(of), state) })
}

func batch(t testing.TB, v *vault.Vault) (size int64) {
	t.Helper()
	size, err := v.Batch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return size
}

// planned is a plan of what is in the log.
func planned(t testing.TB, v *vault.Vault, r parcel.Request) *parcel.Plan {
	t.Helper()
	p, err := parcel.NewPlan(ctx, v, fixedKey(1).secret, r)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func bytesOf(t testing.TB, p *parcel.Plan) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := p.Write(ctx, &b); err != nil {
		t.Fatal(err)
	}
	if int64(b.Len()) != p.Size() {
		t.Fatalf("a parcel of %d bytes was planned with %d", b.Len(), p.Size())
	}
	return b.Bytes()
}

// request writes the parcel that is requested, with everything that is pending.
func request(t testing.TB, v *vault.Vault, r parcel.Request) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := parcel.Write(ctx, &b, v, fixedKey(1).secret, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func idsIn(x parcel.Index) (ids []string) {
	for _, s := range x.Submissions {
		ids = append(ids, s.ID)
	}
	return ids
}

func texts(ids ...vault.ID) (all []string) {
	for _, id := range ids {
		all = append(all, id.String())
	}
	return all
}
