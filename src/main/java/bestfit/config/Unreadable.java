package bestfit.config;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** What people are told of a text file that cannot be read; Java's own words are a path alone, or {@code Input length = 1}. */
public final class Unreadable {
    private Unreadable() {}

    /** A clause, to stand behind "cannot be read". */
    public static String why(Path file, IOException failure) {
        return switch (failure) {
            case NoSuchFileException _ -> "it does not exist";
            case AccessDeniedException _ -> "access is denied";
            case CharacterCodingException _ -> "it is no UTF-8 text";
            case IOException _ when Files.isDirectory(file) -> "it is a folder";
            case IOException other -> String.valueOf(other.getMessage());
        };
    }
}
