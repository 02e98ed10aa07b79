//go:build crash && linux && amd64

package crash

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"sourdine/vault"
	"sourdine/vault/order"
	"sourdine/vault/parcel"
	"sourdine/vault/seal"
	"sourdine/vault/vaulttest"
)

// A reviewer is a key with its certificate.
type reviewer struct {
	vaulttest.Key
	certificate []byte
}

func (r reviewer) fingerprint() string { return fmt.Sprintf("%X", r.Entity.PrimaryKey.Fingerprint) }

// A returned is a return parcel, and what it is to do.
type returned struct {
	sequence  uint64
	tar       []byte
	acks      []vault.ID
	envelopes map[vault.ID][]byte
	deletions []vault.ID
	messages  []string // of the deletions
	proof     string   // of the deletions: its name
}

// orders says what a return parcel is to order, by message.
type orders struct{ acks, opened, replies, envelopes, deletions []string }

// order makes the next return parcel of reviewer A.
func (w *world) order(o orders) (*returned, error) {
	p := &returned{sequence: w.sequence + 1, envelopes: map[vault.ID][]byte{}, messages: o.deletions}
	r := &order.Return{VaultKey: w.vaultKey, Reviewer: w.a.fingerprint(), Sequence: p.sequence}
	var files [][]byte
	var deletions []order.Deletion
	for _, message := range o.acks {
		if !w.carried[w.there[message].id] { // else it shows nothing
			p.acks = append(p.acks, w.there[message].id)
		}
		r.Acknowledged = append(r.Acknowledged, w.there[message].id.String())
	}
	for _, message := range o.opened {
		r.Opened = append(r.Opened, w.there[message].id.String())
	}
	for _, message := range o.deletions {
		p.deletions = append(p.deletions, w.there[message].id)
		deletions = append(deletions, order.Deletion{ID: w.there[message].id.String(), Channel: channel})
	}
	for i, message := range o.replies {
		sealed, err := w.reply(w.there[message].mail)
		if err != nil {
			return nil, err
		}
		box, err := order.MailboxOf(w.there[message].mail)
		if err != nil {
			return nil, err
		}
		files = append(files, sealed)
		r.Replies = append(r.Replies, order.Reply{N: i + 1, Mailbox: box, Size: int64(len(sealed)), SHA256: digest(sealed)})
	}
	for _, message := range o.envelopes {
		p.envelopes[w.there[message].id] = nil
	}
	if err := w.reseal(p, r); err != nil {
		return nil, err
	}
	slices.Sort(r.Acknowledged)
	slices.Sort(r.Opened)
	slices.SortFunc(deletions, func(a, b order.Deletion) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(r.Envelopes, func(a, b order.Envelope) int { return strings.Compare(a.ID, b.ID) })
	for _, e := range r.Envelopes {
		id, _ := vault.ParseID(e.ID)
		files = append(files, p.envelopes[id])
	}
	return p, w.sign(p, r, deletions, files)
}

func (w *world) sign(p *returned, r *order.Return, deletions []order.Deletion, files [][]byte) error {
	signed, err := r.Sign(deletions, w.a.Entity, time.Now())
	if err != nil {
		return err
	}
	p.proof = digest(signed.Deletions)
	var tar bytes.Buffer
	err = parcel.WriteReturn(context.Background(), &tar, signed, func(parcel.ReturnFile) (io.Reader, error) {
		next := files[0]
		files = files[1:]
		return bytes.NewReader(next), nil
	})
	p.tar = tar.Bytes()
	return err
}

func (w *world) reply(certificate []byte) ([]byte, error) {
	source, err := seal.ParseCertificate(certificate, time.Now())
	if err != nil {
		return nil, err
	}
	sealer, err := seal.New(seal.Roster{source}, time.Now())
	if err != nil {
		return nil, err
	}
	message := bytes.NewBuffer(bytes.Clone(sealer.Envelope()))
	item, err := sealer.Item(message)
	if err == nil {
		_, err = io.WriteString(item, "merci")
		err = errors.Join(err, item.Close())
	}
	return message.Bytes(), err
}

// reseal makes new envelopes for old session keys.
func (w *world) reseal(p *returned, r *order.Return) error {
	if len(p.envelopes) == 0 {
		return nil
	}
	a, err := w.open()
	if err != nil {
		return err
	}
	defer a.Close()
	roster, err := w.nextRoster(a.Vault())
	if err != nil {
		return err
	}
	for id := range p.envelopes {
		old, err := a.Vault().Envelope(id)
		if err != nil {
			return err
		}
		fresh, err := w.rewrap(old)
		if err != nil {
			return err
		}
		p.envelopes[id] = fresh
		r.Envelopes = append(r.Envelopes, order.Envelope{ID: id.String(), Epoch: roster.Epoch, Size: int64(len(fresh)), SHA256: digest(fresh)})
	}
	return nil
}

// nextRoster has the same reviewers as before, at a later epoch: there is no new
// envelope for a roster that a submission is sealed to already.
func (w *world) nextRoster(v *vault.Vault) (vault.Roster, error) {
	guest := vault.Member{Fingerprint: strings.Repeat("F", 64), Certificate: w.b.certificate}
	if _, err := v.AddMember(context.Background(), channel, guest); err != nil {
		return vault.Roster{}, err
	}
	return v.RemoveMember(context.Background(), channel, guest.Fingerprint)
}

func (w *world) rewrap(envelope []byte) ([]byte, error) {
	first, err := packet.Read(bytes.NewReader(envelope))
	if err != nil {
		return nil, err
	}
	now := time.Now()
	config := &packet.Config{Time: func() time.Time { return now }}
	session := first.(*packet.EncryptedKey)
	subkey, ok := w.a.Entity.EncryptionKey(now, config)
	if !ok {
		return nil, errors.New("the reviewer has no key that decrypts")
	}
	if err := session.Decrypt(subkey.PrivateKey, config); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	for _, r := range []reviewer{w.a, w.b} {
		key, _ := r.Entity.EncryptionKey(now, config)
		if err := packet.SerializeEncryptedKeyAEAD(&b, key.PublicKey, packet.CipherAES256, true, session.Key, config); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

// compare finds out whether all of the parcel was done, or nothing.
func (p *returned) compare(v *vault.Vault, done bool) error {
	for _, id := range p.acks {
		acks, err := v.Acknowledgements(id)
		if err != nil || (len(acks) == 1) != done {
			return fmt.Errorf("%s is acknowledged by %d, %v", id, len(acks), err)
		}
	}
	for id, want := range p.envelopes {
		got, err := v.Envelope(id)
		if err != nil || bytes.Equal(got, want) != done {
			return fmt.Errorf("the envelope of %s is the new one: %v, %v", id, bytes.Equal(got, want), err)
		}
	}
	for _, id := range p.deletions {
		if _, err := v.Entry(id); errors.Is(err, vault.ErrNotFound) != done {
			return fmt.Errorf("entry %s: %v", id, err)
		}
	}
	if len(p.deletions) == 0 {
		return nil
	}
	_, err := v.Order(p.proof)
	if (err == nil) != done {
		return fmt.Errorf("the order behind deletions: %v", err)
	}
	return nil
}

// confirm notes that a return parcel was applied.
func (w *world) confirm(p *returned) {
	w.end(p.messages, true)
	for _, id := range p.acks {
		w.carried[id] = true
	}
	w.sequence, w.inFlight = p.sequence, nil
}
