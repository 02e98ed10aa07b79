package vault

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
)

// A subtree is a bucket: the page where its tree begins, or, when it is small,
// all of it.
type subtree struct {
	root   uint64
	inline []byte
}

// A node is a page of a tree, with the pages behind it.
type node struct {
	leaf     bool
	pages    uint64
	elements []element
	unclean  bool // a byte behind the last element is not zero: nothing suffers
}

// An element is a key with a value, a bucket, or the page that the key leads to.
type element struct {
	key, value []byte
	isBucket   bool
	child      uint64
}

// A place is what cannot be read of a bucket, or not be trusted: the keys from
// from on and below to; nil is the first or behind the last.
type place struct {
	from, to []byte
	err      error
	harmless bool // every key can be read
}

// maxDepth bounds the way down a tree: a circle is damage.
const maxDepth = 64

// node reads a page of a tree.
func (g *image) node(id uint64) (node, error) {
	if n, ok := g.known[id]; ok {
		return n, nil
	}
	b, err := g.readNode(id)
	if err != nil {
		return node{}, fmt.Errorf("page %d: %w", id, err)
	}
	n, err := parseNode(id, b)
	if err != nil {
		return node{}, fmt.Errorf("page %d: %w", id, err)
	}
	n.pages = uint64(int64(len(b)) / g.pageSize)
	if n.pages == 1 {
		if len(g.known) == 1024 {
			clear(g.known)
		}
		g.known[id] = n
	}
	return n, nil
}

// readNode reads a page and those behind it. How many they are it is told twice,
// so that a flipped bit does not cost memory.
func (g *image) readNode(id uint64) ([]byte, error) {
	if err := g.inFile(id, 1); err != nil {
		return nil, err
	}
	b := make([]byte, g.pageSize)
	if err := readFull(g.r, b, int64(id)*g.pageSize); err != nil {
		return nil, err
	}
	pages := uint64(native.Uint32(b[12:])) + 1
	if pages == 1 {
		return b, nil
	}
	if err := g.inFile(id, pages); err != nil {
		return nil, err
	}
	size, err := g.nodeSize(id, b)
	if err != nil {
		return nil, err
	}
	if (size+g.pageSize-1)/g.pageSize != int64(pages) || size > maxNode {
		return nil, errors.New("its size is wrong")
	}
	b = append(b, make([]byte, int64(pages-1)*g.pageSize)...)
	return b, readFull(g.r, b[g.pageSize:], int64(id+1)*g.pageSize)
}

// nodeSize adds up what the elements say that they take.
func (g *image) nodeSize(id uint64, first []byte) (size int64, err error) {
	count := int64(native.Uint16(first[10:]))
	elements := first[pageHeader:]
	if need := count * elementSize; need > int64(len(elements)) {
		elements = make([]byte, need)
		if err := readFull(g.r, elements, int64(id)*g.pageSize+pageHeader); err != nil {
			return 0, err
		}
	}
	size = pageHeader + count*elementSize
	for i := range count {
		e := elements[i*elementSize:]
		if native.Uint16(first[8:]) == leafPage {
			size += int64(native.Uint32(e[8:])) + int64(native.Uint32(e[12:]))
		} else {
			size += int64(native.Uint32(e[4:]))
		}
	}
	return size, nil
}

// parseNode reads a page as bbolt writes it, and nothing else: the elements, and
// what they point to behind them in the same order, without a gap.
//
//	leaf element:   flags (4) · position (4) · key's length (4) · value's length (4)
//	branch element: position (4) · key's length (4) · page (8)
func parseNode(id uint64, b []byte) (n node, err error) {
	kind, count := native.Uint16(b[8:]), int(native.Uint16(b[10:]))
	n.leaf = kind == leafPage
	if native.Uint64(b) != id || kind != leafPage && kind != branchPage {
		return n, errors.New("its head is wrong")
	}
	at := pageHeader + count*elementSize
	if at > len(b) {
		return n, errors.New("it has too many elements")
	}
	n.elements = make([]element, count)
	for i := range n.elements {
		start := pageHeader + i*elementSize
		e, size, ok := n.parseElement(b[start:start+elementSize], b[at:], at-start)
		if !ok {
			return n, fmt.Errorf("element %d is wrong", i)
		}
		if i > 0 && bytes.Compare(n.elements[i-1].key, e.key) >= 0 {
			return n, fmt.Errorf("element %d is out of order", i)
		}
		n.elements[i] = e
		at += size
	}
	n.unclean = !isZero(b[at:])
	return n, nil
}

// parseElement reads an element whose key begins position bytes behind it, with
// rest.
func (n *node) parseElement(b, rest []byte, position int) (e element, size int, ok bool) {
	var keySize, valueSize uint32
	if n.leaf {
		flags := native.Uint32(b)
		e.isBucket, keySize, valueSize = flags == 1, native.Uint32(b[8:]), native.Uint32(b[12:])
		ok = flags <= 1 && int64(native.Uint32(b[4:])) == int64(position)
	} else {
		e.child, keySize = native.Uint64(b[8:]), native.Uint32(b[4:])
		ok = int64(native.Uint32(b)) == int64(position)
	}
	total := int64(keySize) + int64(valueSize)
	if !ok || keySize == 0 || total > int64(len(rest)) {
		return e, 0, false
	}
	e.key, e.value = rest[:keySize:keySize], rest[keySize:total:total]
	return e, int(total), true
}

// bucket is what the value of a bucket's element says: root (8) · sequence (8),
// which is never used, and the page itself when it is small.
func (e element) bucket() (subtree, error) {
	if !e.isBucket || len(e.value) < 16 || !isZero(e.value[8:16]) {
		return subtree{}, errors.New("it is not a bucket")
	}
	root, inline := native.Uint64(e.value), e.value[16:]
	if (root == 0) != (len(inline) >= pageHeader) {
		return subtree{}, errors.New("it is not a bucket")
	}
	return subtree{root, inline}, nil
}

// inlineNode reads a bucket that is all in its element.
func (s subtree) inlineNode() (node, error) {
	n, err := parseNode(0, s.inline)
	used := pageHeader
	for _, e := range n.elements {
		used += elementSize + len(e.key) + len(e.value)
	}
	if err == nil && (!n.leaf || used != len(s.inline) || native.Uint32(s.inline[12:]) != 0) {
		err = errors.New("it is not a bucket")
	}
	return n, err
}

// walk yields all elements of a bucket in the order of their keys, claims its
// pages, and tells bad of each place that is not as it must be.
func (g *image) walk(s subtree, bad func(place), yield func(element) bool) {
	if s.root != 0 {
		g.walkPage(s.root, place{}, 0, bad, yield)
		return
	}
	n, err := s.inlineNode()
	if err != nil {
		bad(place{err: err})
		return
	}
	for _, e := range n.elements {
		if !yield(e) {
			return
		}
	}
}

// walkPage walks what is below a page, whose keys must be those of within.
func (g *image) walkPage(id uint64, within place, depth int, bad func(place), yield func(element) bool) bool {
	n, err := g.node(id)
	if err == nil {
		err = n.check(within, depth)
	}
	if err == nil {
		err = g.claim(id, n.pages)
	}
	if err != nil {
		within.err = err
		bad(within)
		return true
	}
	if n.unclean {
		bad(place{within.from, within.to, fmt.Errorf("page %d has something behind its end", id), true})
	}
	for i, e := range n.elements {
		if n.leaf {
			if !yield(e) {
				return false
			}
			continue
		}
		below := place{from: e.key, to: within.to}
		if i+1 < len(n.elements) {
			below.to = n.elements[i+1].key
		}
		if !g.walkPage(e.child, below, depth+1, bad, yield) {
			return false
		}
	}
	return true
}

// check compares a page's keys with what the page above says of them. bbolt keeps
// there the first key of each, and relies on it.
func (n node) check(within place, depth int) error {
	switch {
	case depth > maxDepth:
		return errors.New("the tree goes in a circle")
	case len(n.elements) == 0 && (depth > 0 || !n.leaf):
		return errors.New("a page is empty")
	case depth == 0:
		return nil
	case !bytes.Equal(n.elements[0].key, within.from),
		within.to != nil && bytes.Compare(n.elements[len(n.elements)-1].key, within.to) >= 0:
		return errors.New("a page's keys are not those that lead to it")
	}
	return nil
}

// find returns the element with a key; not ok when there is none.
func (g *image) find(s subtree, key []byte) (e element, ok bool, err error) {
	if s.root == 0 {
		n, err := s.inlineNode()
		e, ok = n.find(key)
		return e, ok && err == nil, err
	}
	id, within := s.root, place{}
	for depth := 0; ; depth++ {
		n, err := g.node(id)
		if err == nil {
			err = n.check(within, depth)
		}
		if err != nil {
			return element{}, false, err
		}
		if n.leaf {
			e, ok = n.find(key)
			return e, ok, nil
		}
		if id, within, ok = n.below(key, within); !ok {
			return element{}, false, nil
		}
	}
}

func (n node) find(key []byte) (element, bool) {
	i, found := n.search(key)
	if !found {
		return element{}, false
	}
	return n.elements[i], true
}

// below is the page below n that a key is in.
func (n node) below(key []byte, within place) (uint64, place, bool) {
	i, found := n.search(key)
	if !found {
		i--
	}
	if i < 0 {
		return 0, place{}, false
	}
	below := place{from: n.elements[i].key, to: within.to}
	if i+1 < len(n.elements) {
		below.to = n.elements[i+1].key
	}
	return n.elements[i].child, below, true
}

func (n node) search(key []byte) (int, bool) {
	return slices.BinarySearchFunc(n.elements, key, func(e element, key []byte) int { return bytes.Compare(e.key, key) })
}
