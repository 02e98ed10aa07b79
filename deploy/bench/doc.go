// Package bench measures the real programs, side by side with what they
// compete with, in one run. It holds no code but the benchmark:
//
//	make bench
package bench
