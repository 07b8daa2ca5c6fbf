import FirnFiles
import FirnGraph
import Testing

@testable import FirnFormats

@Suite struct ReadingBudgetTests {
  private func count(_ budget: ReadingBudget, _ take: (inout ReadingBudget) throws -> Void) -> Int {
    var (budget, count) = (budget, 0)
    while count < 1_000_000, (try? take(&budget)) != nil { count += 1 }
    return count
  }

  /// A checkpoint's tensors, of 200 bytes each in the file, are within it however many; of nothing some are.
  @Test func tensorsInTheFileFit() {
    let name = String(repeating: "n", count: 30)
    var file = ReadingBudget(300_000 * 200, fault: FileFault("file"))
    file.add(300_000 * 196, of: FileFault("its header"))
    #expect(count(file) { try $0.takeEntry(name, rank: 2) } >= 300_000)
    let empty = ReadingBudget(0, fault: FileFault("file"))
    #expect(count(empty) { try $0.takeEntry(name, rank: 2) } < 100_000)
    #expect(count(empty) { try $0.takeMadeEntry(name, rank: 2) } >= 20_000)
  }

  @Test func faultsAreOfWhatIsRead() {
    var budget = ReadingBudget(10, fault: FileFault("index"))
    let index = #expect(throws: FirnError.self) { try budget.take(ReadingBudget.fixed + 11) }
    #expect(index?.code == .parse && index?.message.hasPrefix("'index' describes more") == true)
    budget.add(1, of: FileFault("shard"))
    #expect(throws: Never.self) { try budget.take(0) }
    let shard = #expect(throws: FirnError.self) { try budget.take(2, "is too much") }
    #expect(shard?.message == "'shard' is too much")
  }
}
