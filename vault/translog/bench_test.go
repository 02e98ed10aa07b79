package translog_test

import (
	"testing"

	"sourdine/vault/translog"
)

const benchSize = 100_000

func BenchmarkAppend100000(b *testing.B) {
	leaves := entries(0, benchSize)
	for b.Loop() {
		stored, err := translog.Append(0, leaves, hashes(nil))
		if err != nil || len(stored) < benchSize {
			b.Fatal(len(stored), err)
		}
	}
	b.ReportMetric(float64(benchSize*b.N)/b.Elapsed().Seconds(), "leaves/s")
}

func BenchmarkFrontier100000(b *testing.B) {
	leaves := entries(0, benchSize)
	for b.Loop() {
		f := translog.NewFrontier()
		for _, leaf := range leaves {
			if err := f.Append(leaf); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(benchSize*b.N)/b.Elapsed().Seconds(), "leaves/s")
}

func BenchmarkInclusion(b *testing.B) {
	appended, err := translog.Append(0, entries(0, benchSize), hashes(nil))
	if err != nil {
		b.Fatal(err)
	}
	stored := hashes(appended)
	c := head(b, benchSize, stored)
	b.Run("make", func(b *testing.B) {
		for n := int64(0); b.Loop(); n += 7919 {
			if _, err := translog.Inclusion(n%benchSize, benchSize, stored); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("check", func(b *testing.B) {
		p, err := translog.Inclusion(4711, benchSize, stored)
		if err != nil {
			b.Fatal(err)
		}
		leaf := entry(4711)
		for b.Loop() {
			if err := translog.CheckInclusion(p, leaf, 4711, c); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	raw := []byte(spellings[0].text)
	for b.Loop() {
		if _, err := translog.Decode(raw); err != nil {
			b.Fatal(err)
		}
	}
}
