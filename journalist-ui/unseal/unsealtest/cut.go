package unsealtest

import (
	"slices"
	"testing"
)

// Sizes in the body of a SEIPD packet, in bytes (RFC 9580, sections 5.13.1 and
// 5.13.2).
const (
	versionAt   = 0
	chunkSizeAt = 3      // version 2: its exponent, less 6
	header2     = 4 + 32 // version 2: what is before the first chunk, the salt last
	tag         = 16     // of a chunk, and of the whole
	header1     = 1 + 18 // version 1: with the random block, two octets of it repeated
	digest      = 2 + 20 // version 1: the packet with the SHA-1
)

// Edges returns where the AEAD chunks of a body of version 2 begin, by its own
// chunk size, and at last where the tag over the whole begins.
func Edges(t testing.TB, body []byte) []int {
	t.Helper()
	if body[versionAt] != 2 {
		t.Fatalf("a SEIPD packet of version %d has no chunks", body[versionAt])
	}
	step := 1<<(body[chunkSizeAt]+6) + tag
	var edges []int
	for at := header2; at < len(body)-tag; at += step {
		edges = append(edges, at)
	}
	return append(edges, len(body)-tag)
}

// Places are the names of the cuts that Cut knows, for SEIPD packets of version 1
// or 2.
func Places(version byte) []string {
	var names []string
	for _, p := range places(version) {
		names = append(names, p.name)
	}
	return names
}

// Cut cuts a payload, and frames what is left as a whole packet. The payload must
// have three AEAD chunks or, for version 1, as many bytes.
func Cut(t testing.TB, payload []byte, place string) []byte {
	t.Helper()
	body := Body(t, payload)
	all := places(body[versionAt])
	i := slices.IndexFunc(all, func(p where) bool { return p.name == place })
	if i < 0 {
		t.Fatalf("no cut is called %q", place)
	}
	var edges []int
	if body[versionAt] == 2 {
		edges = Edges(t, body)
	}
	if len(body) < 3<<15 {
		t.Fatalf("%d bytes are too few to cut", len(body))
	}
	return Packet(all[i].cut(body, edges))
}

// A where is a place at which all that is left is authentic, or nearly.
type where struct {
	name string
	cut  func(body []byte, edges []int) []byte
}

func places(version byte) []where {
	if version == 1 {
		return places1()
	}
	return places2()
}

func places2() []where {
	end := func(edges []int) int { return edges[len(edges)-1] }
	last := func(edges []int) int { return edges[len(edges)-2] }
	return []where{
		{"before the first chunk", func(b []byte, _ []int) []byte { return b[:header2] }},
		{"after the first chunk", func(b []byte, e []int) []byte { return b[:e[1]] }},
		{"after the second chunk", func(b []byte, e []int) []byte { return b[:e[2]] }},
		{"before the last chunk", func(b []byte, e []int) []byte { return b[:last(e)] }},
		{"before the tag over the whole", func(b []byte, e []int) []byte { return b[:end(e)] }},
		{"the last chunk taken out", func(b []byte, e []int) []byte { return slices.Concat(b[:last(e)], b[end(e):]) }},
		{"a chunk taken out", func(b []byte, e []int) []byte { return slices.Concat(b[:e[1]], b[e[2]:]) }},
		{"all chunks taken out", func(b []byte, e []int) []byte { return slices.Concat(b[:header2], b[end(e):]) }},
		{"a chunk's tag for that over the whole", func(b []byte, e []int) []byte { return slices.Concat(b[:end(e)], b[end(e)-tag:end(e)]) }},
	}
}

// places1 has no chunks to cut between: CFB deciphers whatever is left.
func places1() []where {
	const block, part = 16, 64 << 10
	return []where{
		{"before the first block", func(b []byte, _ []int) []byte { return b[:header1] }},
		{"after the first block", func(b []byte, _ []int) []byte { return b[:header1+block] }},
		{"at a block", func(b []byte, _ []int) []byte { return b[:header1+part] }},
		{"before the digest", func(b []byte, _ []int) []byte { return b[:len(b)-digest] }},
		{"before the digest's octets", func(b []byte, _ []int) []byte { return b[:len(b)-digest+2] }},
		{"in the digest", func(b []byte, _ []int) []byte { return b[:len(b)-1] }},
		{"a block taken out", func(b []byte, _ []int) []byte { return slices.Concat(b[:header1+part], b[header1+part+block:]) }},
		{"all blocks taken out", func(b []byte, _ []int) []byte { return slices.Concat(b[:header1], b[len(b)-digest:]) }},
	}
}
