package dev.millrace.cli.fraud;

import dev.millrace.cli.fraud.FraudEvent.Report;
import dev.millrace.cli.fraud.FraudEvent.Transaction;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;

/** The world's events as records of the example's sources. */
public final class FraudRecords {

  public static final String TRANSACTIONS = "transactions";
  public static final String REPORTS = "fraud_reports";

  private final Schema transactions;
  private final Schema reports;

  private FraudRecords(Schema transactions, Schema reports) {
    this.transactions = transactions;
    this.reports = reports;
  }

  public static FraudRecords of(Project project) {
    return new FraudRecords(schema(project, TRANSACTIONS), schema(project, REPORTS));
  }

  private static Schema schema(Project project, String source) {
    return project.source(source).map(Source::schema).orElseThrow();
  }

  public GenericRecord record(Transaction transaction) {
    GenericRecord record = new GenericData.Record(transactions);
    record.put("tx_id", transaction.id());
    record.put("card_id", transaction.cardId());
    record.put("merchant_id", transaction.merchantId());
    record.put("category", symbol("category", transaction.category().name()));
    record.put("amount", transaction.amount());
    record.put("channel", symbol("channel", transaction.channel().name()));
    record.put("country", transaction.country());
    record.put("card_country", transaction.cardCountry());
    record.put("transacted_at", transaction.timeMillis());
    return record;
  }

  private GenericData.EnumSymbol symbol(String field, String name) {
    return new GenericData.EnumSymbol(transactions.getField(field).schema(), name);
  }

  public GenericRecord record(Report report) {
    GenericRecord record = new GenericData.Record(reports);
    record.put("report_id", report.id());
    record.put("tx_id", report.transactionId());
    record.put("is_fraud", report.fraud());
    record.put("reported_at", report.timeMillis());
    return record;
  }
}
