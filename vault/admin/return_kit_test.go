package admin_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"sourdine/vault"
	"sourdine/vault/admin"
	"sourdine/vault/order"
	"sourdine/vault/parcel"
	"sourdine/vault/seal"
	"sourdine/vault/translog"
	"sourdine/vault/vaulttest"
)

// A desk makes return parcels for a home.
type desk struct {
	t        testing.TB
	home     admin.Home
	local    *admin.Local
	vaultKey string
	key      vaulttest.Key
	sequence uint64
}

// newDesks opens a home with the channels Nice and Paris: Alice reads both, Bob
// reads Paris.
func newDesks(t testing.TB) (alice, bob *desk) {
	t.Helper()
	h := newHome(t)
	return desksAt(t, h, serving(t, h))
}

func desksAt(t testing.TB, h admin.Home, local *admin.Local) (alice, bob *desk) {
	t.Helper()
	status, err := local.Status(ctx)
	if err != nil {
		t.Fatal(err)
	}
	alice = &desk{t: t, home: h, local: local, vaultKey: status.VaultKey, key: vaulttest.NewKey(t, vaulttest.X25519)}
	bob = &desk{t: t, home: h, local: local, vaultKey: status.VaultKey, key: vaulttest.NewKey(t, vaulttest.V4)}
	for channel, desks := range map[string][]*desk{"Nice": {alice}, "Paris": {alice, bob}} {
		if err := local.AddChannel(ctx, channel); err != nil {
			t.Fatal(err)
		}
		for _, d := range desks {
			if _, err := local.AddReviewer(ctx, channel, d.key.Certificate(t)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return alice, bob
}

func (d *desk) fingerprint() string { return fmt.Sprintf("%X", d.key.Entity.PrimaryKey.Fingerprint) }

// envelope seals to the current roster of a channel.
func (d *desk) envelope(channel string) []byte {
	d.t.Helper()
	roster, err := d.local.Vault().Roster(channel)
	if err != nil {
		d.t.Fatal(err)
	}
	var members seal.Roster
	for _, m := range roster.Members {
		c, err := seal.ParseCertificate(m.Certificate, time.Now())
		if err != nil {
			d.t.Fatal(err)
		}
		members = append(members, c)
	}
	sealer, err := seal.New(members, time.Now())
	if err != nil {
		d.t.Fatal(err)
	}
	return sealer.Envelope()
}

// commit puts a submission into a channel and returns its id.
func (d *desk) commit(channel string) string {
	return d.commitOn(channel, time.Now().UTC().Format(time.DateOnly))
}

func (d *desk) commitOn(channel, day string) string {
	d.t.Helper()
	roster, err := d.local.Vault().Roster(channel)
	if err != nil {
		d.t.Fatal(err)
	}
	draft := d.local.Vault().NewDraft()
	w, err := draft.Item(ctx, 0)
	if err == nil {
		_, err = w.Write([]byte("payload"))
	}
	if err == nil {
		err = w.Close()
	}
	var id vault.ID
	if err == nil {
		id, err = draft.Commit(ctx, vault.Commitment{Channel: channel, Day: day, Epoch: roster.Epoch, Envelope: d.envelope(channel)})
	}
	if err != nil {
		d.t.Fatal(err)
	}
	return id.String()
}

// message is sealed to somebody.
func (d *desk) message() []byte {
	d.t.Helper()
	c, err := seal.ParseCertificate(d.key.Certificate(d.t), time.Now())
	if err != nil {
		d.t.Fatal(err)
	}
	sealer, err := seal.New(seal.Roster{c}, time.Now())
	if err != nil {
		d.t.Fatal(err)
	}
	message := bytes.NewBuffer(sealer.Envelope())
	w, err := sealer.Item(message)
	if err == nil {
		_, err = io.WriteString(w, "bonjour")
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		d.t.Fatal(err)
	}
	return message.Bytes()
}

// mailbox makes one, and returns its id and how orders name it.
func (d *desk) mailbox(id byte) (vault.MailboxID, string) {
	d.t.Helper()
	key := vaulttest.NewKey(d.t, vaulttest.X25519)
	at := vault.MailboxID{id}
	if _, err := d.local.Vault().EnsureMailbox(ctx, at, key.Certificate(d.t)); err != nil {
		d.t.Fatal(err)
	}
	name, err := order.MailboxOf(key.Certificate(d.t))
	if err != nil {
		d.t.Fatal(err)
	}
	return at, name
}

// next is the desk's next order, of the log as it is.
func (d *desk) next() *order.Return {
	d.t.Helper()
	d.sequence++
	size, err := d.local.Vault().Batch(ctx)
	if err != nil {
		d.t.Fatal(err)
	}
	root, err := translog.Root(size, d.local.Vault())
	if err != nil {
		d.t.Fatal(err)
	}
	return &order.Return{VaultKey: d.vaultKey, Reviewer: d.fingerprint(), Sequence: d.sequence, Seen: size, Checkpoint: d.checkpoint(size, root)}
}

// checkpoint is what the server's key says of a log.
func (d *desk) checkpoint(size int64, root [32]byte) string {
	d.t.Helper()
	secret, err := os.ReadFile(filepath.Join(filepath.Dir(d.home.Vault()), "vault.key"))
	if err != nil {
		d.t.Fatal(err)
	}
	origin, err := translog.Origin(d.vaultKey)
	if err != nil {
		d.t.Fatal(err)
	}
	signed, err := translog.Checkpoint{Origin: origin, Size: size, Root: root}.Sign(string(bytes.TrimSpace(secret)))
	if err != nil {
		d.t.Fatal(err)
	}
	return string(signed)
}

func reply(o *order.Return, mailbox string, sealed []byte, files map[string][]byte) {
	n := len(o.Replies) + 1
	o.Replies = append(o.Replies, order.Reply{N: n, Mailbox: mailbox, Size: int64(len(sealed)), SHA256: digest(sealed)})
	files[fmt.Sprintf("replies/%d.pgp", n)] = sealed
}

func reenvelope(o *order.Return, id string, epoch uint64, envelope []byte, files map[string][]byte) {
	o.Envelopes = append(o.Envelopes, order.Envelope{ID: id, Epoch: epoch, Size: int64(len(envelope)), SHA256: digest(envelope)})
	files["envelopes/"+id+".pgp"] = envelope
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// pack signs an order and its deletions, and writes the parcel.
func (d *desk) pack(o *order.Return, files map[string][]byte, deletions ...order.Deletion) []byte {
	d.t.Helper()
	slices.Sort(o.Acknowledged)
	slices.Sort(o.Opened)
	slices.SortFunc(deletions, func(a, b order.Deletion) int { return bytes.Compare([]byte(a.ID), []byte(b.ID)) })
	slices.SortFunc(o.Envelopes, func(a, b order.Envelope) int { return bytes.Compare([]byte(a.ID), []byte(b.ID)) })
	signed, err := o.Sign(deletions, d.key.Entity, time.Now())
	if err != nil {
		d.t.Fatal(err)
	}
	return packed(d.t, signed, files)
}

func packed(t testing.TB, signed order.Signed, files map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	err := parcel.WriteReturn(ctx, &b, signed, func(f parcel.ReturnFile) (io.Reader, error) {
		return bytes.NewReader(files[f.Name()]), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// tarOf packs the first files of a return parcel, as they come.
func tarOf(t testing.TB, contents ...[]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i, content := range contents {
		name := []string{"return.json", "return.json.asc", "deletions.json", "deletions.json.asc"}[i]
		err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(content)), Mode: 0o600, ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR})
		if err == nil {
			_, err = w.Write(content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func deletion(id, channel string) order.Deletion { return order.Deletion{ID: id, Channel: channel} }

// packSignedAs puts the signature that another desk made over another order into
// a parcel.
func (d *desk) packSignedAs(o *order.Return, other *desk, signed *order.Return) []byte {
	d.t.Helper()
	raw, err := o.Encode()
	theirs, err2 := signed.Sign(nil, other.key.Entity, time.Now())
	if err := errors.Join(err, err2); err != nil {
		d.t.Fatal(err)
	}
	return packed(d.t, order.Signed{Return: raw, ReturnSignature: theirs.ReturnSignature}, nil)
}

// apply applies a parcel that must be taken.
func (d *desk) apply(o *order.Return, files map[string][]byte, deletions ...order.Deletion) admin.Receipt {
	d.t.Helper()
	receipt, err := d.local.ApplyParcel(ctx, bytes.NewReader(d.pack(o, files, deletions...)))
	if err != nil {
		d.t.Fatal(err)
	}
	return receipt
}

func (d *desk) state() vault.DeskState {
	d.t.Helper()
	state, _, err := d.local.Vault().Desk(d.fingerprint())
	if err != nil {
		d.t.Fatal(err)
	}
	return state
}

func parseID(t testing.TB, text string) vault.ID {
	t.Helper()
	id, err := vault.ParseID(text)
	if err != nil {
		t.Fatal(err)
	}
	return id
}
