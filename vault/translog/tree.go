package translog

import (
	"errors"
	"fmt"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// Append returns the hashes to store when leaves join a log of that size, in
// the order of their indexes, which follow one another from
// tlog.StoredHashIndex(0, size) on. It reads at most 40 stored hashes, all at
// once, and none that it returns.
func Append(size int64, leaves [][]byte, stored tlog.HashReader) ([]tlog.Hash, error) {
	if err := checkSize(size); err != nil {
		return nil, err
	}
	after := size + int64(len(leaves))
	if after > MaxSize {
		return nil, errors.New("the log is full")
	}
	f, err := ReadFrontier(size, stored)
	if err != nil {
		return nil, err
	}
	hashes := make([]tlog.Hash, 0, tlog.StoredHashCount(after)-tlog.StoredHashCount(size))
	for _, leaf := range leaves {
		hashes = f.push(tlog.RecordHash(leaf), hashes)
	}
	return hashes, nil
}

// Root returns the hash of the tree of the first size leaves (RFC 6962, section
// 2.1). The log may be larger.
func Root(size int64, stored tlog.HashReader) (tlog.Hash, error) {
	if err := checkSize(size); err != nil {
		return tlog.Hash{}, err
	}
	root, err := tlog.TreeHash(size, stored)
	if err != nil {
		return tlog.Hash{}, fmt.Errorf("failed to compute the log's root: %w", err)
	}
	return root, nil
}

// ReadFrontier returns the frontier of the first size leaves. The log may be
// larger.
func ReadFrontier(size int64, stored tlog.HashReader) (*Frontier, error) {
	if err := checkSize(size); err != nil {
		return nil, err
	}
	f := &Frontier{size: size}
	if size == 0 {
		return f, nil
	}
	levels := f.levels()
	indexes := make([]int64, len(levels))
	for i, level := range levels {
		// To the left of this subtree are larger ones only, so it is the last of
		// its level.
		indexes[i] = tlog.StoredHashIndex(level, size>>level-1)
	}
	hashes, err := stored.ReadHashes(indexes)
	if err != nil {
		return nil, fmt.Errorf("failed to read the log's hashes: %w", err)
	}
	if len(hashes) != len(indexes) {
		return nil, errors.New("failed to read the log's hashes: some are missing")
	}
	for i, level := range levels {
		f.nodes[level] = hashes[i]
	}
	return f, nil
}

// levels are those of the complete subtrees, from the left, the largest first.
func (f *Frontier) levels() []int {
	levels := make([]int, 0, bits.OnesCount64(uint64(f.size)))
	for level := maxLevels - 1; level >= 0; level-- {
		if f.size>>level&1 == 1 {
			levels = append(levels, level)
		}
	}
	return levels
}
