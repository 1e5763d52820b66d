package dev.millrace.cli.fraud;

/** What happens in the simulated world. */
public sealed interface FraudEvent {

  long timeMillis();

  /**
   * The number of the transaction that it is, or is about: 0 for the first of the world, ascending
   * with time.
   */
  int number();

  /** Whether the transaction is a fraud; nobody knows it before the report. */
  boolean fraud();

  /** What a merchant sells. */
  enum Category {
    GROCERY(27, 32),
    FUEL(9, 48),
    RESTAURANT(18, 27),
    FASHION(10, 55),
    ELECTRONICS(8, 140),
    TRAVEL(6, 210),
    DIGITAL(12, 14),
    HOUSEHOLD(6, 42),
    GIFT_CARDS(4, 30);

    /** Merchants of it among a hundred. */
    final int percent;

    /** Euros that are ordinary. */
    final int euros;

    Category(int percent, int euros) {
      this.percent = percent;
      this.euros = euros;
    }
  }

  /** How a card is used. */
  enum Channel {
    CHIP,
    CONTACTLESS,
    ONLINE,
    PHONE_ORDER
  }

  /**
   * A card is about to be charged.
   *
   * @param cents the amount
   * @param pattern whether it is of the new kind of fraud
   */
  record Transaction(
      int number,
      long timeMillis,
      int card,
      int merchant,
      Category category,
      long cents,
      Channel channel,
      String country,
      String cardCountry,
      boolean fraud,
      boolean pattern)
      implements FraudEvent {

    public String id() {
      return FraudEvent.id('t', number, 7);
    }

    public String cardId() {
      return FraudEvent.id('c', card, 4);
    }

    public String merchantId() {
      return FraudEvent.id('m', merchant, 3);
    }

    public double amount() {
      return cents / 100.0;
    }
  }

  /** What became of a transaction. */
  record Report(int number, long timeMillis, boolean fraud) implements FraudEvent {

    public String id() {
      return FraudEvent.id('r', number, 7);
    }

    public String transactionId() {
      return FraudEvent.id('t', number, 7);
    }
  }

  /** A letter and a number of so many digits at least; quicker than a format. */
  private static String id(char letter, int number, int digits) {
    StringBuilder text = new StringBuilder(digits + 1).append(letter);
    for (int bound = 10, left = digits; left > 1; left--, bound *= 10) {
      if (number < bound) {
        text.append("0".repeat(left - 1));
        break;
      }
    }
    return text.append(number).toString();
  }
}
