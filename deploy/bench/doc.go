// Package bench measures the real programs, side by side with what they
// compete with, in one run. It holds no code but the benchmark:
//
//	make bench
//
// It needs about 36 GiB of free disk where temporary files are. With less it
// exports a smaller parcel, and says so; SOURDINE_BENCH_GIB sets how many GiB it
// is to be.
package bench
