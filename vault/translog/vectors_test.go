package translog_test

import (
	"encoding/hex"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"sourdine/vault/translog"
)

// The vectors of the certificate-transparency project's reference
// implementation of RFC 6962 (cpp/merkletree/merkle_tree_test.cc): eight leaves,
// the roots of the trees of the first 0 to 8, and paths in them. Of node hashes
// only those that stand there are here.
var (
	vectorLeaves = []string{"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"}
	vectorRoots  = []string{
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
		"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
		"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
		"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
		"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
	}
	vectorInclusion = []struct {
		index, size int64
		path        []string
	}{
		{0, 1, nil},
		{0, 8, []string{
			"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
			"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
			"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"}},
		{5, 8, []string{
			"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
			"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
			"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}},
		{2, 3, []string{"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"}},
		{1, 5, []string{
			"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
			"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
			"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"}},
	}
	vectorConsistency = []struct {
		older, newer int64
		path         []string
	}{
		{1, 1, nil},
		{1, 8, []string{
			"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
			"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
			"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"}},
		{6, 8, []string{
			"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
			"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
			"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}},
		{2, 5, []string{
			"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
			"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"}},
	}
)

func vectorLog(t *testing.T) ([][]byte, hashes) {
	t.Helper()
	var leaves [][]byte
	for _, digits := range vectorLeaves {
		leaf, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatal(err)
		}
		leaves = append(leaves, leaf)
	}
	stored, err := translog.Append(0, leaves, hashes(nil))
	if err != nil {
		t.Fatal(err)
	}
	return leaves, stored
}

func vectorPath(t *testing.T, digits []string) translog.Proof {
	t.Helper()
	path := translog.Proof{}
	for _, d := range digits {
		path = append(path, unhex(t, d))
	}
	return path
}

func TestVectorsRoots(t *testing.T) {
	leaves, stored := vectorLog(t)
	f := translog.NewFrontier()
	for size, want := range vectorRoots {
		if got := root(t, int64(size), stored); got != unhex(t, want) {
			t.Errorf("the tree of %d leaves has the root %x", size, got)
		}
		if !f.EqualTo(translog.Checkpoint{Size: int64(size), Root: unhex(t, want)}) {
			t.Errorf("the frontier of %d leaves has the root %x", size, f.Root())
		}
		if size < len(leaves) {
			if err := f.Append(leaves[size]); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestVectorsInclusion(t *testing.T) {
	leaves, stored := vectorLog(t)
	for _, v := range vectorInclusion {
		want := vectorPath(t, v.path)
		got, err := translog.Inclusion(v.index, v.size, stored)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("leaf %d of %d: %x, %v", v.index, v.size, got, err)
		}
		c := translog.Checkpoint{Size: v.size, Root: unhex(t, vectorRoots[v.size])}
		if err := translog.CheckInclusion(want, leaves[v.index], v.index, c); err != nil {
			t.Errorf("leaf %d of %d: %v", v.index, v.size, err)
		}
	}
}

func TestVectorsConsistency(t *testing.T) {
	_, stored := vectorLog(t)
	for _, v := range vectorConsistency {
		want := vectorPath(t, v.path)
		got, err := translog.Consistency(v.older, v.newer, stored)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%d to %d: %x, %v", v.older, v.newer, got, err)
		}
		older := translog.Checkpoint{Size: v.older, Root: unhex(t, vectorRoots[v.older])}
		newer := translog.Checkpoint{Size: v.newer, Root: unhex(t, vectorRoots[v.newer])}
		if err := translog.CheckConsistency(want, older, newer); err != nil {
			t.Errorf("%d to %d: %v", v.older, v.newer, err)
		}
	}
}

var _ tlog.HashReader = hashes(nil)
