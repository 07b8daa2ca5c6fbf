import CFirnPeak
import Dispatch

/// The most floating-point operations a second that this machine does, measured now.
enum FMAPeak {
  /// Multiplications and additions in registers alone, on `threads` threads at once; the best of some short bursts,
  /// since other work can only take away from it.
  static func gigaflops(threads: Int) -> Double {
    var rounds = 1 << 14
    // Long enough for threads to start in a small part of it.
    while milliseconds(runs: 1, { _ = firn_multiply_and_add(rounds) }) < 8 { rounds *= 2 }
    let work = Double(threads) * firn_multiply_and_add(rounds)
    let burst = rounds
    let best = milliseconds(runs: 7) {
      DispatchQueue.concurrentPerform(iterations: threads) { _ in _ = firn_multiply_and_add(burst) }
    }
    return work / best / 1e6
  }
}
