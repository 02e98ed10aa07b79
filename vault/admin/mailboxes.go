package admin

import (
	"encoding/hex"
	"sync"

	"sourdine/vault"
	"sourdine/vault/order"
)

// A mailboxIndex finds mailboxes by the fingerprints of their keys. It lives in
// memory only, and is read anew when something is not in it: two kilobytes for
// each mailbox.
type mailboxIndex struct {
	mu    sync.Mutex
	known map[string]vault.MailboxID // by the fingerprint's bytes
}

// find looks up a mailbox as an order names it.
func (x *mailboxIndex) find(fingerprint string) (id vault.MailboxID, known bool) {
	raw, err := hex.DecodeString(fingerprint)
	if err != nil {
		return id, false
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	id, known = x.known[string(raw)]
	return id, known
}

// read passes over a key that is not one: nobody can reply to it.
func (x *mailboxIndex) read(v *vault.Vault) error {
	known := map[string]vault.MailboxID{}
	for m, err := range v.Mailboxes() {
		if err != nil {
			return err
		}
		fingerprint, err := order.MailboxOf(m.Locked)
		if err != nil {
			continue
		}
		raw, err := hex.DecodeString(fingerprint)
		if err != nil {
			return err
		}
		known[string(raw)] = m.ID
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.known = known
	return nil
}
