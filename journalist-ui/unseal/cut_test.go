package unseal_test

import (
	"bytes"
	"slices"
	"testing"

	"sourdine/journalist-ui/unseal/unsealtest"
	"sourdine/vault/vaulttest"
)

// Payloads that are cut between what is authenticated and framed anew, so that
// nothing but the end tells.
func TestCutBetweenChunks(t *testing.T) {
	for name, kind := range kinds {
		k := vaulttest.NewKey(t, kind)
		key, s := newKey(t, k), newSealer(t, k)
		plain := random(200_000)
		payload := sealed(t, s, plain)
		body := unsealtest.Body(t, payload)
		whole := unsealtest.Packet(body)
		if got, err := open(key, s.Envelope(), whole); err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("%s: framed anew: %d bytes, %v", name, len(got), err)
		}
		for _, place := range unsealtest.Places(body[0]) {
			mustFail(t, name+": "+place, key, s.Envelope(), unsealtest.Cut(t, payload, place))
		}
	}
}

// Where the document ends with a chunk and only padding follows, everything that
// a reader wants is there and authentic: it is cut all the same.
func TestCutBeforeThePadding(t *testing.T) {
	k := vaulttest.NewKey(t, vaulttest.PostQuantum)
	key, s := newKey(t, k), newSealer(t, k)
	// A Literal packet of 65 chunks: its tag, 64 lengths of a part, a length of five
	// octets, six of header. The class above 2 MiB is two chunks wide.
	const chunk, chunks = 32 << 10, 65
	plain := random(chunks*chunk - (1 + 64 + 5 + 6))
	body := unsealtest.Body(t, sealed(t, s, plain))
	edges := unsealtest.Edges(t, body)
	if len(edges) < chunks+2 {
		t.Fatalf("no padding: %d chunks", len(edges)-1)
	}
	const tag = 16
	for n := chunks; n < len(edges); n++ {
		cut, whole := body[:edges[n]], body[len(body)-tag:]
		mustFail(t, "no padding, no tag over the whole", key, s.Envelope(), unsealtest.Packet(cut))
		mustFail(t, "no padding, a chunk's tag", key, s.Envelope(), unsealtest.Packet(slices.Concat(cut, cut[len(cut)-tag:])))
		if n < len(edges)-1 {
			mustFail(t, "no padding, the tag of more", key, s.Envelope(), unsealtest.Packet(slices.Concat(cut, whole)))
		}
	}
}
