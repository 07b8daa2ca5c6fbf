import FirnGraph

extension FirnError {
  /// What a function of the user's returns; what it throws that is no error of Firn's becomes the cause's words of one.
  static func wrapping<Result>(_ body: () throws -> Result) throws(FirnError) -> Result {
    do {
      return try body()
    } catch let error as FirnError {
      throw error
    } catch {
      throw FirnError(.invalidArgument, "\(error)", remedy: "see what the function that was given threw")
    }
  }
}
